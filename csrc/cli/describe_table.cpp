#include <fmt/ranges.h>

#include <algorithm>

#include "cli/describe.h"
#include "clusters/tree.h"
#include "infer/pair_table.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kRowsShown = 5, kLabelsShown = 3;

}  // namespace

nlohmann::ordered_json describe_pair_table(const fs::path& path) {
  const PairTable table = load_pair_table(path);
  const fs::path beside = path.parent_path() / "tree.h5";
  std::vector<std::string> descriptions;
  if (fs::exists(beside)) descriptions = load_tree(beside).planning().description;
  const auto named = [&](int64_t cluster) {
    return static_cast<int64_t>(descriptions.size()) == table.cluster_count()
               ? fmt::format("{} ({})", descriptions[static_cast<size_t>(cluster)], cluster)
               : std::to_string(cluster);
  };
  nlohmann::ordered_json lines = nlohmann::ordered_json::array();
  const int64_t rows = table.rows(), shown = std::min(rows, kRowsShown);
  for (int64_t i = 0; i < shown; ++i) {
    const int64_t row = i * rows / shown + (i == 0 ? std::min<int64_t>(1, rows - 1) : 0);
    std::vector<std::string> names;
    for (const int32_t cluster : table.contexts[row]) names.push_back(named(cluster));
    std::string line = fmt::format("{} ->", fmt::join(names, "; "));
    for (int64_t rank = 0; rank < std::min(table.k, kLabelsShown); ++rank) {
      const auto at = static_cast<size_t>(row * table.k + rank);
      if (table.label[at] == PairTable::kNoLabel) break;
      line += fmt::format("{} {} {:.3f}", rank > 0 ? "," : "", named(table.label[at]),
                          table.probability_low[at]);
      if (table.probability_high[at] - table.probability_low[at] >= 0.0005F)
        line += fmt::format("-{:.3f}", table.probability_high[at]);
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace serendip
