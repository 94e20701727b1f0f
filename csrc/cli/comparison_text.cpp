#include "cli/comparison_text.h"

#include <fmt/format.h>

#include "cli/text.h"

namespace serendip {

using Json = nlohmann::json;

std::string with_error(const Json& mean, const Json& error) {
  if (!mean.is_number()) return "-";
  std::string text = fmt::format("{:.4f}", mean.get<double>());
  if (error.is_number()) text += fmt::format(" ± {:.4f}", error.get<double>());
  return text;
}

std::string comparison_text(const Json& rows) {
  std::vector<std::vector<std::string>> cells = {
      {"model", "recall@1", "recall@5", "recall@10", "test NLL"}};
  for (const Json& row : rows) {
    cells.push_back({row.at("model").get<std::string>()});
    for (const std::string key : {"recall_at_1", "recall_at_5", "recall_at_10", "nll"})
      cells.back().push_back(with_error(row.value(key, Json()), row.value(key + "_se", Json())));
  }
  return align_columns(cells, true);
}

}  // namespace serendip
