#include "train/comparison.h"

namespace serendip {

nlohmann::json comparison_row(const std::string& name, const TransitionScores& scores,
                              const std::vector<int32_t>& user) {
  nlohmann::json row = {{"model", name}};
  const auto add = [&](const std::string& key, const std::vector<double>& values) {
    const Estimate estimate = clustered_mean(values, user);
    row[key] = estimate.mean;
    row[key + "_se"] = estimate.standard_error;
  };
  add("recall_at_1", scores.hit_at_1);
  add("recall_at_5", scores.hit_at_5);
  add("recall_at_10", scores.hit_at_10);
  add("nll", scores.nll);
  return row;
}

nlohmann::json difference(const std::vector<double>& a, const std::vector<double>& b,
                          const std::vector<int32_t>& user) {
  std::vector<double> values(a.size());
  for (size_t i = 0; i < a.size(); ++i) values[i] = a[i] - b[i];
  const Estimate estimate = clustered_mean(values, user);
  return {{"mean", estimate.mean}, {"se", estimate.standard_error}};
}

}  // namespace serendip
