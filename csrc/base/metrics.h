// Machine-readable results: one JSON object a line in metrics.jsonl, and the numbers among them as
// scalars in a TensorBoard event file beside it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace serendip {

class MetricsLog {
 public:
  // Appends to folder/metrics.jsonl and to a new folder/events.out.tfevents.* file.
  explicit MetricsLog(const std::filesystem::path& folder);

  // `stage` ("sft", "eval") prefixes the TensorBoard tags: "sft/loss". Adds "stage" and "step".
  void write(const std::string& stage, int64_t step, const nlohmann::json& values);

 private:
  void write_event(int64_t step, const std::string& summary);

  std::filesystem::path jsonl_, events_;
};

}  // namespace serendip
