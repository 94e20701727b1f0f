// The interest-cluster tree: four nested levels, each item in one cluster a level (tree.h5).
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

constexpr int kTreeLevels = 4;
constexpr int kPlanningLevel = 2;  // numbered from 1; the level whose clusters the LLM speaks

struct TreeLevel {
  std::vector<int32_t> assignment;       // [N] item -> cluster of this level
  std::vector<int32_t> parent;           // [M] cluster of the level above (coarser); -1 at level 1
  std::vector<double> traffic;           // [M] sum of item_traffic
  std::vector<std::string> description;  // [M] unique within the level
  int64_t cluster_count() const { return static_cast<int64_t>(parent.size()); }
};

struct ClusterTree {
  std::vector<double> item_traffic;  // [N] the weights used
  std::array<TreeLevel, kTreeLevels> levels;

  const TreeLevel& level(int number) const { return levels[static_cast<size_t>(number - 1)]; }
  const TreeLevel& planning() const { return level(kPlanningLevel); }
};

// Throws Error naming the file and the first broken rule: nesting, an empty cluster, an index out
// of range, two clusters of one level with the same description (both named).
ClusterTree load_tree(const std::filesystem::path& path);
void save_tree(const ClusterTree& tree, const std::filesystem::path& path);
void validate_tree(const ClusterTree& tree, const std::string& source);

}  // namespace serendip
