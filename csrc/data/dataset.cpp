#include "data/dataset.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr const char* kLinkName = "/items/embedding";

void check_length(const std::string& source, const char* name, size_t actual, size_t expected,
                  const char* of_what) {
  SERENDIP_CHECK(actual == expected, "{}: {} has {} entries, expected {} ({})", source, name,
                 actual, expected, of_what);
}

void check_offsets(const Dataset& dataset, const std::string& source) {
  check_length(source, "/users/offsets", dataset.user_offset.size(), dataset.user_id.size() + 1,
               "users + 1");
  SERENDIP_CHECK(dataset.user_offset.front() == 0, "{}: /users/offsets starts at {}, expected 0",
                 source, dataset.user_offset.front());
  for (size_t user = 0; user < dataset.user_id.size(); ++user)
    SERENDIP_CHECK(dataset.user_offset[user] <= dataset.user_offset[user + 1],
                   "{}: /users/offsets falls from {} to {} at user {}", source,
                   dataset.user_offset[user], dataset.user_offset[user + 1], user);
  SERENDIP_CHECK(dataset.user_offset.back() == dataset.event_count(),
                 "{}: /users/offsets ends at {}, expected {} (events)", source,
                 dataset.user_offset.back(), dataset.event_count());
}

void check_events(const Dataset& dataset, const std::string& source) {
  const size_t count = dataset.event_item.size();
  check_length(source, "/events/time", dataset.event_time.size(), count, "events");
  check_length(source, "/events/reward", dataset.event_reward.size(), count, "events");
  for (size_t user = 0; user < dataset.user_id.size(); ++user) {
    const auto begin = static_cast<size_t>(dataset.user_offset[user]);
    const auto end = static_cast<size_t>(dataset.user_offset[user + 1]);
    for (size_t event = begin; event < end; ++event) {
      SERENDIP_CHECK(
          0 <= dataset.event_item[event] && dataset.event_item[event] < dataset.item_count(),
          "{}: /events/item[{}] is {}, expected 0 to {}", source, event, dataset.event_item[event],
          dataset.item_count() - 1);
      SERENDIP_CHECK(event == begin || dataset.event_time[event - 1] <= dataset.event_time[event],
                     "{}: /events/time falls from {} to {} at event {} of one user", source,
                     dataset.event_time[event - 1], dataset.event_time[event], event);
      SERENDIP_CHECK(std::isfinite(dataset.event_reward[event]), "{}: /events/reward[{}] is {}",
                     source, event, dataset.event_reward[event]);
    }
  }
}

void check_dataset(const Dataset& dataset, const std::string& source, bool with_text = true) {
  const size_t items = dataset.item_id.size();
  check_length(source, "/items/title", dataset.item_title.size(), items, "items");
  check_length(source, "/items/text", dataset.item_text.size(), with_text ? items : 0, "items");
  check_offsets(dataset, source);
  check_events(dataset, source);
  check_length(source, "/items/embedding", dataset.embedding.size(),
               dataset.embedding.empty() ? 0 : items * static_cast<size_t>(dataset.embedding_dim),
               "items x dimensions");
  const auto bad = std::find_if(dataset.embedding.begin(), dataset.embedding.end(),
                                [](float value) { return !std::isfinite(value); });
  SERENDIP_CHECK(bad == dataset.embedding.end(), "{}: /items/embedding: row {} holds {}", source,
                 (bad - dataset.embedding.begin()) / dataset.embedding_dim, *bad);
}

void read_embedding(const Hdf5File& file, const std::string& source, Dataset& dataset) {
  const std::vector<int64_t> shape = file.shape(kLinkName);
  SERENDIP_CHECK(shape.size() == 2 && shape[0] == dataset.item_count() && shape[1] >= 1,
                 "{}: /items/embedding ({} beside it) is [{}], expected [{}, dimensions] for {} "
                 "items: run embed again",
                 source, kEmbeddingFile, fmt::join(shape, ", "), dataset.item_count(),
                 dataset.item_count());
  dataset.embedding = file.read<float>(kLinkName);
  dataset.embedding_dim = shape[1];
}

}  // namespace

Dataset load_dataset(const fs::path& path, bool with_embedding, bool with_text) {
  const Hdf5File file = Hdf5File::open(path);
  Dataset dataset;
  dataset.item_id = file.read_strings("/items/id");
  dataset.item_title = file.read_strings("/items/title");
  if (with_text) dataset.item_text = file.read_strings("/items/text");
  dataset.user_id = file.read_strings("/users/id");
  dataset.user_offset = file.read<int64_t>("/users/offsets");
  dataset.event_item = file.read<int32_t>("/events/item");
  dataset.event_time = file.read<int64_t>("/events/time");
  dataset.event_reward = file.read<float>("/events/reward");
  if (with_embedding && file.has(kLinkName)) read_embedding(file, path.string(), dataset);
  check_dataset(dataset, path.string(), with_text);
  return dataset;
}

void write_catalogue(const Dataset& dataset, Hdf5File& file) {
  file.write_strings("/items/id", dataset.item_id);
  file.write_strings("/items/title", dataset.item_title);
  file.write_strings("/items/text", dataset.item_text);
  file.write_strings("/users/id", dataset.user_id);
  file.write("/users/offsets", dataset.user_offset);
  if (dataset.embedding.empty()) {
    file.link_external(kLinkName, kEmbeddingFile, kEmbeddingDataset);
  } else {
    file.write<float>(kLinkName, dataset.embedding, {dataset.item_count(), dataset.embedding_dim});
  }
}

void save_dataset(const Dataset& dataset, const fs::path& path) {
  check_dataset(dataset, path.string());
  write_hdf5(path, [&](Hdf5File& file) {
    write_catalogue(dataset, file);
    file.write("/events/item", dataset.event_item);
    file.write("/events/time", dataset.event_time);
    file.write("/events/reward", dataset.event_reward);
  });
}

}  // namespace serendip
