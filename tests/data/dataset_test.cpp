#include "data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

Dataset small_dataset() {
  Dataset dataset;
  dataset.item_id = {"a", "b", "c"};
  dataset.item_title = {"A", "Bé", ""};
  dataset.item_text = {"x y", "", "z"};
  dataset.user_id = {"u", "v"};
  dataset.user_offset = {0, 1, 3};
  dataset.event_item = {2, 0, 1};
  dataset.event_time = {7, -1, 5};
  dataset.event_reward = {1, 0.5f, 4};
  return dataset;
}

void write_embedding(const std::filesystem::path& path, int64_t rows) {
  write_hdf5(path, [&](Hdf5File& file) {
    const std::vector<float> values(static_cast<size_t>(2 * rows), 0.5f);
    file.write<float>(kEmbeddingDataset, values, {rows, 2});
  });
}

TEST(Dataset, RoundTrip) {
  const TemporaryFolder folder;
  Dataset dataset = small_dataset();
  dataset.embedding = {1, 2, 3, 4, 5, 6};
  dataset.embedding_dim = 2;
  save_dataset(dataset, folder / "data.h5");
  const Dataset loaded = load_dataset(folder / "data.h5");
  EXPECT_EQ(loaded.item_id, dataset.item_id);
  EXPECT_EQ(loaded.item_title, dataset.item_title);
  EXPECT_EQ(loaded.item_text, dataset.item_text);
  EXPECT_EQ(loaded.user_id, dataset.user_id);
  EXPECT_EQ(loaded.user_offset, dataset.user_offset);
  EXPECT_EQ(loaded.event_item, dataset.event_item);
  EXPECT_EQ(loaded.event_time, dataset.event_time);
  EXPECT_EQ(loaded.event_reward, dataset.event_reward);
  EXPECT_EQ(loaded.embedding, dataset.embedding);
  EXPECT_EQ(loaded.embedding_dim, 2);
  EXPECT_TRUE(load_dataset(folder / "data.h5", false).embedding.empty());
  EXPECT_TRUE(load_dataset(folder / "data.h5", false, false).item_text.empty());
  EXPECT_EQ(load_dataset(folder / "data.h5", false, false).item_id, loaded.item_id);
}

TEST(Dataset, EmbeddingLinkDanglesUntilItIsMade) {
  const TemporaryFolder folder;
  save_dataset(small_dataset(), folder / "data.h5");
  const std::string before = read_file(folder / "data.h5");
  EXPECT_FALSE(Hdf5File::open(folder / "data.h5").has("/items/embedding"));
  EXPECT_TRUE(load_dataset(folder / "data.h5").embedding.empty());

  write_embedding(folder / kEmbeddingFile, 3);
  EXPECT_TRUE(Hdf5File::open(folder / "data.h5").has("/items/embedding"));
  const Dataset loaded = load_dataset(folder / "data.h5");
  EXPECT_EQ(loaded.embedding_dim, 2);
  EXPECT_EQ(loaded.embedding, std::vector<float>(6, 0.5f));
  EXPECT_EQ(read_file(folder / "data.h5"), before);
}

TEST(Dataset, LinkFollowsAMovedFolder) {
  const TemporaryFolder folder;
  save_dataset(small_dataset(), folder / "run/data.h5");
  write_embedding(folder / "run/embedding.h5", 3);
  std::filesystem::rename(folder / "run", folder / "moved");
  EXPECT_EQ(load_dataset(folder / "moved/data.h5").embedding_dim, 2);
}

TEST(Dataset, StaleEmbeddingIsRefused) {
  const TemporaryFolder folder;
  save_dataset(small_dataset(), folder / "data.h5");
  write_embedding(folder / kEmbeddingFile, 4);
  const std::string error = error_of([&] { load_dataset(folder / "data.h5"); });
  EXPECT_NE(error.find("data.h5: /items/embedding"), std::string::npos) << error;
  EXPECT_NE(error.find("is [4, 2], expected [3, dimensions]"), std::string::npos) << error;
  EXPECT_NO_THROW(load_dataset(folder / "data.h5", false));
}

struct BrokenCase {
  const char* name;
  void (*break_it)(Dataset&);
  const char* message;
};

class BrokenDataset : public testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenDataset, IsRefusedAtReading) {
  const TemporaryFolder folder;
  Dataset dataset = small_dataset();
  GetParam().break_it(dataset);
  write_hdf5(folder / "data.h5", [&](Hdf5File& file) {
    write_catalogue(dataset, file);
    file.write("/events/item", dataset.event_item);
    file.write("/events/time", dataset.event_time);
    file.write("/events/reward", dataset.event_reward);
  });
  const std::string error = error_of([&] { load_dataset(folder / "data.h5"); });
  EXPECT_NE(error.find("data.h5: "), std::string::npos) << error;
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
  EXPECT_EQ(error_of([&] { save_dataset(dataset, folder / "data.h5"); }), error);
}

INSTANTIATE_TEST_SUITE_P(
    Data, BrokenDataset,
    testing::Values(BrokenCase{"titles", [](Dataset& d) { d.item_title.pop_back(); },
                               "/items/title has 2 entries, expected 3 (items)"},
                    BrokenCase{"offset_count",
                               [](Dataset& d) {
                                 d.user_offset = {0, 3};
                               },
                               "/users/offsets has 2 entries, expected 3 (users + 1)"},
                    BrokenCase{"offset_start", [](Dataset& d) { d.user_offset[0] = 1; },
                               "/users/offsets starts at 1, expected 0"},
                    BrokenCase{"offset_falls", [](Dataset& d) { d.user_offset[1] = 5; },
                               "/users/offsets falls from 5 to 3 at user 1"},
                    BrokenCase{"offset_end", [](Dataset& d) { d.user_offset[2] = 2; },
                               "/users/offsets ends at 2, expected 3 (events)"},
                    BrokenCase{"item", [](Dataset& d) { d.event_item[1] = 3; },
                               "/events/item[1] is 3, expected 0 to 2"},
                    BrokenCase{"negative_item", [](Dataset& d) { d.event_item[0] = -1; },
                               "/events/item[0] is -1"},
                    BrokenCase{"times", [](Dataset& d) { d.event_time.pop_back(); },
                               "/events/time has 2 entries, expected 3 (events)"},
                    BrokenCase{"time_order", [](Dataset& d) { d.event_time[2] = -2; },
                               "/events/time falls from -1 to -2 at event 2"},
                    BrokenCase{"reward", [](Dataset& d) { d.event_reward[2] = NAN; },
                               "/events/reward[2] is nan"}),
    [](const auto& test) { return test.param.name; });

TEST(Dataset, MissingPartsAreNamed) {
  const TemporaryFolder folder;
  write_hdf5(folder / "data.h5", [](Hdf5File& file) { file.write_strings("/items/id", {"a"}); });
  EXPECT_NE(error_of([&] {
              load_dataset(folder / "data.h5");
            }).find("data.h5: no dataset '/items/title'"),
            std::string::npos);
  EXPECT_NE(error_of([&] { load_dataset(folder / "absent.h5"); }).find("absent.h5: no such file"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
