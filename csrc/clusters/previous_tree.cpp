#include "clusters/previous_tree.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/check.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace {

struct Overlap {
  double traffic;
  int64_t items;
  int32_t now, before;
};

// The largest first.
std::vector<Overlap> overlaps_of(const TreeLevel& level, const TreeLevel& previous,
                                 const std::vector<int32_t>& previous_item,
                                 const std::vector<double>& traffic) {
  std::map<std::pair<int32_t, int32_t>, Overlap> pairs;
  for (size_t item = 0; item < previous_item.size(); ++item) {
    if (previous_item[item] < 0) continue;
    const int32_t now = level.assignment[item];
    const int32_t before = previous.assignment[static_cast<size_t>(previous_item[item])];
    Overlap& overlap = pairs.try_emplace({now, before}, Overlap{0, 0, now, before}).first->second;
    overlap.traffic += traffic[item];
    ++overlap.items;
  }
  std::vector<Overlap> overlaps;
  for (const auto& [clusters, overlap] : pairs) overlaps.push_back(overlap);
  std::stable_sort(overlaps.begin(), overlaps.end(), [](const Overlap& a, const Overlap& b) {
    return std::tie(a.traffic, a.items) > std::tie(b.traffic, b.items);
  });
  return overlaps;
}

// The number of before for each cluster of now; all are given once.
std::vector<int32_t> match(const std::vector<Overlap>& overlaps, int64_t clusters) {
  std::vector<int32_t> number(static_cast<size_t>(clusters), -1);
  std::vector<bool> taken(static_cast<size_t>(clusters), false);
  for (const Overlap& overlap : overlaps) {
    if (overlap.before >= clusters || taken[static_cast<size_t>(overlap.before)] ||
        number[static_cast<size_t>(overlap.now)] >= 0)
      continue;
    number[static_cast<size_t>(overlap.now)] = overlap.before;
    taken[static_cast<size_t>(overlap.before)] = true;
  }
  int32_t free = 0;
  for (int32_t& given : number) {
    if (given >= 0) continue;
    while (taken[static_cast<size_t>(free)]) ++free;
    given = free++;
  }
  return number;
}

template <typename T>
std::vector<T> moved(const std::vector<T>& values, const std::vector<int32_t>& number) {
  std::vector<T> result(values.size());
  for (size_t c = 0; c < values.size(); ++c) result[static_cast<size_t>(number[c])] = values[c];
  return result;
}

void renumber(ClusterTree& tree, size_t index, const std::vector<int32_t>& number) {
  TreeLevel& level = tree.levels[index];
  for (int32_t& cluster : level.assignment) cluster = number[static_cast<size_t>(cluster)];
  level.parent = moved(level.parent, number);
  level.traffic = moved(level.traffic, number);
  if (!level.description.empty()) level.description = moved(level.description, number);
  if (index + 1 == tree.levels.size()) return;
  for (int32_t& parent : tree.levels[index + 1].parent)
    parent = number[static_cast<size_t>(parent)];
}

KeptClusters compare(const TreeLevel& level, const TreeLevel& previous,
                     const std::vector<int32_t>& previous_item,
                     const std::vector<double>& traffic) {
  std::vector<double> all(level.parent.size(), 0.0), same(level.parent.size(), 0.0);
  double known = 0, known_same = 0;
  for (size_t item = 0; item < traffic.size(); ++item) {
    const auto cluster = static_cast<size_t>(level.assignment[item]);
    all[cluster] += traffic[item];
    if (previous_item[item] < 0) continue;
    known += traffic[item];
    if (previous.assignment[static_cast<size_t>(previous_item[item])] != level.assignment[item])
      continue;
    same[cluster] += traffic[item];
    known_same += traffic[item];
  }
  KeptClusters kept;
  for (size_t c = 0; c < all.size(); ++c) kept.same.push_back(2 * same[c] > all[c]);
  kept.traffic_share = known > 0 ? known_same / known : 0;
  return kept;
}

}  // namespace

PreviousTree load_previous_tree(const std::filesystem::path& run_folder,
                                const std::vector<std::string>& item_id) {
  PreviousTree previous{load_tree(run_folder / "tree.h5"), {}};
  const std::vector<std::string> ids =
      Hdf5File::open(run_folder / "data.h5").read_strings("/items/id");
  SERENDIP_CHECK(ids.size() == previous.tree.item_traffic.size(),
                 "{}: tree.h5 has {} items, data.h5 {}", run_folder.string(),
                 previous.tree.item_traffic.size(), ids.size());
  std::unordered_map<std::string, int32_t> number;
  for (size_t item = 0; item < ids.size(); ++item)
    number.emplace(ids[item], static_cast<int32_t>(item));
  previous.gone = static_cast<int64_t>(ids.size());
  for (const std::string& id : item_id) {
    const auto found = number.find(id);
    previous.item.push_back(found == number.end() ? -1 : found->second);
    previous.gone -= found != number.end();
  }
  return previous;
}

std::array<KeptClusters, kTreeLevels> number_like(const PreviousTree& previous,
                                                  const std::vector<double>& traffic,
                                                  ClusterTree& tree) {
  std::array<KeptClusters, kTreeLevels> kept;
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    const TreeLevel &level = tree.levels[index], &before = previous.tree.levels[index];
    const auto overlaps = overlaps_of(level, before, previous.item, traffic);
    renumber(tree, index, match(overlaps, level.cluster_count()));
    kept[index] = compare(level, before, previous.item, traffic);
  }
  return kept;
}

void keep_descriptions(const PreviousTree& previous,
                       const std::array<KeptClusters, kTreeLevels>& kept, ClusterTree& tree) {
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    std::vector<std::string>& now = tree.levels[index].description;
    const std::vector<std::string>& before = previous.tree.levels[index].description;
    std::unordered_set<std::string> used(now.begin(), now.end());
    for (size_t c = 0; c < std::min(now.size(), before.size()); ++c) {
      if (!kept[index].same[c] || used.contains(before[c])) continue;
      used.erase(now[c]);
      used.insert(before[c]);
      now[c] = before[c];
    }
  }
}

}  // namespace serendip
