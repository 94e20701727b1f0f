// Machine-readable results: one JSON object a line in metrics.jsonl, and the numbers among them as
// scalars in a TensorBoard event file beside it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace serendip {

class MetricsLog {
 public:
  // Appends to folder/metrics.jsonl and to a new folder/events.out.tfevents.* file. What is there
  // of steps after `last_step`, from which the work goes on, is dropped, in TensorBoard too.
  MetricsLog(const std::filesystem::path& folder, int64_t last_step);

  // `stage` ("sft", "eval") prefixes the TensorBoard tags: "sft/loss". Adds "stage" and "step".
  void write(const std::string& stage, int64_t step, const nlohmann::json& values);

 private:
  void drop_lines_after(int64_t last_step) const;
  // `content` of a tensorflow.Event's field.
  void write_event(int64_t step, int field, const std::string& content) const;

  std::filesystem::path jsonl_, events_;
};

}  // namespace serendip
