#include "clusters/tree.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/check.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

std::string group_of(size_t index) { return fmt::format("/level_{}", index + 1); }

void validate_shape(const ClusterTree& tree, size_t index, const std::string& source) {
  const TreeLevel& level = tree.levels[index];
  const std::string group = group_of(index);
  SERENDIP_CHECK(!level.parent.empty(), "{}: {} has no clusters", source, group);
  SERENDIP_CHECK(level.assignment.size() == tree.item_traffic.size(),
                 "{}: {}/assignment has {} items, /item_traffic {}", source, group,
                 level.assignment.size(), tree.item_traffic.size());
  SERENDIP_CHECK(level.traffic.size() == level.parent.size(),
                 "{}: {}/traffic has {} clusters, {}/parent {}", source, group,
                 level.traffic.size(), group, level.parent.size());
  SERENDIP_CHECK(level.description.size() == level.parent.size(),
                 "{}: {}/description has {} clusters, {}/parent {}", source, group,
                 level.description.size(), group, level.parent.size());
}

// Parents in range, and every item's parent cluster the one it is in at the level above.
void validate_nesting(const ClusterTree& tree, size_t index, const std::string& source) {
  const TreeLevel& level = tree.levels[index];
  const std::string group = group_of(index);
  const int64_t above = index == 0 ? 0 : tree.levels[index - 1].cluster_count();
  for (size_t c = 0; c < level.parent.size(); ++c) {
    const int32_t parent = level.parent[c];
    const bool in_range = index == 0 ? parent == -1 : parent >= 0 && parent < above;
    SERENDIP_CHECK(in_range, "{}: {}/parent of cluster {} is {}, expected {}", source, group, c,
                   parent, index == 0 ? "-1" : fmt::format("0 to {}", above - 1));
  }
  std::vector<int64_t> items(level.parent.size(), 0);
  for (size_t i = 0; i < level.assignment.size(); ++i) {
    const int32_t cluster = level.assignment[i];
    SERENDIP_CHECK(cluster >= 0 && cluster < level.cluster_count(),
                   "{}: {}/assignment of item {} is {}, expected 0 to {}", source, group, i,
                   cluster, level.cluster_count() - 1);
    ++items[static_cast<size_t>(cluster)];
    if (index == 0) continue;
    const int32_t parent = level.parent[static_cast<size_t>(cluster)];
    const int32_t expected = tree.levels[index - 1].assignment[i];
    SERENDIP_CHECK(parent == expected,
                   "{}: not nested: item {} is in cluster {} of level {}, whose parent is {}, but "
                   "in cluster {} of level {}",
                   source, i, cluster, index + 1, parent, expected, index);
  }
  const auto empty = std::find(items.begin(), items.end(), 0);
  SERENDIP_CHECK(empty == items.end(), "{}: cluster {} of level {} is empty", source,
                 empty - items.begin(), index + 1);
}

void validate_descriptions(const TreeLevel& level, size_t index, const std::string& source) {
  std::unordered_map<std::string, size_t> seen;
  for (size_t c = 0; c < level.description.size(); ++c) {
    const std::string& text = level.description[c];
    SERENDIP_CHECK(!text.empty(), "{}: cluster {} of level {} has no description", source, c,
                   index + 1);
    const bool one_line = std::none_of(text.begin(), text.end(), [](char byte) {
      return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
    });
    SERENDIP_CHECK(one_line, "{}: description of cluster {} of level {} has a control character",
                   source, c, index + 1);
    const auto [other, added] = seen.emplace(text, c);
    SERENDIP_CHECK(added, "{}: clusters {} and {} of level {} have the same description '{}'",
                   source, other->second, c, index + 1, text);
  }
}

}  // namespace

void validate_tree(const ClusterTree& tree, const std::string& source) {
  for (size_t i = 0; i < tree.item_traffic.size(); ++i) {
    SERENDIP_CHECK(std::isfinite(tree.item_traffic[i]) && tree.item_traffic[i] >= 0,
                   "{}: /item_traffic of item {} is {}, expected a number ≥ 0", source, i,
                   tree.item_traffic[i]);
  }
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    validate_shape(tree, index, source);
    validate_nesting(tree, index, source);
    validate_descriptions(tree.levels[index], index, source);
  }
}

ClusterTree load_tree(const fs::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  ClusterTree tree;
  tree.item_traffic = file.read<double>("/item_traffic");
  for (size_t index = 0; index < tree.levels.size(); ++index) {
    TreeLevel& level = tree.levels[index];
    const std::string group = group_of(index);
    level.assignment = file.read<int32_t>(group + "/assignment");
    level.parent = file.read<int32_t>(group + "/parent");
    level.traffic = file.read<double>(group + "/traffic");
    level.description = file.read_strings(group + "/description");
  }
  validate_tree(tree, path.string());
  return tree;
}

void save_tree(const ClusterTree& tree, const fs::path& path) {
  validate_tree(tree, path.string());
  write_hdf5(path, [&](Hdf5File& file) {
    file.write("/item_traffic", tree.item_traffic);
    for (size_t index = 0; index < tree.levels.size(); ++index) {
      const TreeLevel& level = tree.levels[index];
      const std::string group = group_of(index);
      file.write(group + "/assignment", level.assignment);
      file.write(group + "/parent", level.parent);
      file.write(group + "/traffic", level.traffic);
      file.write_strings(group + "/description", level.description);
    }
  });
}

}  // namespace serendip
