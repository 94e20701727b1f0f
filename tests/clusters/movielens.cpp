#include "tests/clusters/movielens.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <tuple>

#include "base/hash.h"
#include "base/random.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
constexpr int64_t kDim = 32;

fs::path archive() {
  const char* data = std::getenv("SERENDIP_DATA");
  const char* source = std::getenv("SERENDIP_SOURCE_DIR");
  const fs::path folder = data     ? fs::path(data)
                          : source ? fs::path(source) / "../shared/data"
                                   : fs::path("../shared/data");
  return folder / "ml-latest-small/ml-latest-small.zip";
}

std::vector<std::string> split_csv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

std::vector<std::vector<std::string>> read_csv(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);  // names of the columns
  std::vector<std::vector<std::string>> rows;
  while (std::getline(in, line)) rows.push_back(split_csv(line));
  return rows;
}

void add_hashed(const std::string& key, double scale, float* row) {
  Random random(hash64(key));
  for (int64_t d = 0; d < kDim; ++d) row[d] += static_cast<float>(scale * random.normal());
}

// A movie's users and words as a sum of random directions.
void embed(Dataset& data) {
  data.embedding_dim = kDim;
  data.embedding.assign(data.item_id.size() * kDim, 0.0f);
  std::vector<double> raters(data.item_id.size(), 0.0);
  for (const int32_t item : data.event_item) raters[static_cast<size_t>(item)] += 1;
  for (size_t user = 0; user < data.user_id.size(); ++user) {
    for (auto e = static_cast<size_t>(data.user_offset[user]);
         e < static_cast<size_t>(data.user_offset[user + 1]); ++e) {
      const auto item = static_cast<size_t>(data.event_item[e]);
      add_hashed("user " + data.user_id[user], 1 / std::sqrt(raters[item]),
                 data.embedding.data() + item * kDim);
    }
  }
  for (size_t item = 0; item < data.item_id.size(); ++item) {
    std::string word;
    for (const char c : data.item_text[item] + ' ') {
      if (c != ' ') {
        word += c;
      } else if (!word.empty()) {
        add_hashed("word " + word, 1.0, data.embedding.data() + item * kDim);
        word.clear();
      }
    }
  }
}

}  // namespace

std::optional<Dataset> load_movielens() {
  if (!fs::exists(archive())) return std::nullopt;
  const TemporaryFolder folder;
  const std::string unpack = "python3 -m zipfile -e '" + archive().string() + "' '" +
                             folder.path().string() + "' > /dev/null";
  if (std::system(unpack.c_str()) != 0) return std::nullopt;

  using Event = std::tuple<int64_t, int64_t, int64_t, int32_t, float>;  // user, time, order
  std::vector<Event> events;
  std::map<std::string, int32_t> item_of;
  Dataset data;
  for (const auto& row : read_csv(folder / "ml-latest-small/ratings.csv")) {
    const auto [entry, added] = item_of.emplace(row[1], static_cast<int32_t>(item_of.size()));
    if (added) data.item_id.push_back(row[1]);
    events.emplace_back(std::stoll(row[0]), std::stoll(row[3]), static_cast<int64_t>(events.size()),
                        entry->second, std::stof(row[2]));
  }
  std::sort(events.begin(), events.end());
  data.item_title.resize(data.item_id.size());
  data.item_text.resize(data.item_id.size());
  for (auto& row : read_csv(folder / "ml-latest-small/movies.csv")) {
    const auto found = item_of.find(row[0]);
    if (found == item_of.end()) continue;
    std::replace(row[2].begin(), row[2].end(), '|', ' ');
    data.item_title[static_cast<size_t>(found->second)] = row[1];
    data.item_text[static_cast<size_t>(found->second)] = row[2];
  }
  for (const auto& row : read_csv(folder / "ml-latest-small/tags.csv")) {
    const auto found = item_of.find(row[1]);
    if (found != item_of.end()) data.item_text[static_cast<size_t>(found->second)] += " " + row[2];
  }
  for (const auto& [user, time, order, item, reward] : events) {
    const std::string name = std::to_string(user);
    if (data.user_id.empty() || data.user_id.back() != name) {
      data.user_id.push_back(name);
      data.user_offset.push_back(data.event_count());
    }
    data.event_item.push_back(item);
    data.event_time.push_back(time);
    data.event_reward.push_back(reward);
  }
  data.user_offset.push_back(data.event_count());
  embed(data);
  return data;
}

}  // namespace serendip
