#include "cli/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/comparison_text.h"
#include "cli/recommend_users.h"
#include "cli/text.h"

namespace serendip {
namespace {

constexpr size_t kHeadlineWidth = 70;

using Json = nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

const Json& result_of(const std::vector<FinishedStage>& stages, const std::string& name) {
  static const Json kEmpty = Json::object();
  const auto found = std::find_if(stages.begin(), stages.end(),
                                  [&](const FinishedStage& stage) { return stage.name == name; });
  return found != stages.end() && found->outcome.result.is_object() ? found->outcome.result
                                                                    : kEmpty;
}

Json member(const Json& object, const std::string& key) {
  return object.is_object() && object.contains(key) ? object.at(key) : Json();
}

std::string stages_text(const std::vector<FinishedStage>& stages) {
  Rows rows = {{"stage", "time", "peak memory", "result"}};
  double seconds = 0;
  int64_t memory = 0;
  for (const auto& [name, outcome] : stages) {
    seconds += outcome.seconds;
    memory = std::max(memory, outcome.peak_memory);
    rows.push_back(
        {name, duration_text(outcome.seconds), bytes_text(static_cast<double>(outcome.peak_memory)),
         name == "recommend_users" ? "below" : headline(outcome.result, kHeadlineWidth)});
  }
  rows.push_back({"all", duration_text(seconds), bytes_text(static_cast<double>(memory)), ""});
  return align_columns(rows, false);
}

std::string differences_text(const Json& eval) {
  const Json differences = member(eval, "differences");
  const auto line = [&](const char* key, const char* meaning) {
    const Json entry = member(differences, key);
    return std::vector<std::string>{meaning,
                                    with_error(member(entry, "mean"), member(entry, "se"))};
  };
  return align_columns({line("nll_untuned_minus_tuned", "NLL, untuned minus fine-tuned"),
                        line("recall_at_10_minus_chance", "recall@10, fine-tuned minus chance")},
                       false);
}

std::string chosen_lines(const Json& object, const std::vector<std::string>& keys) {
  Rows rows;
  for (const std::string& key : keys) rows.push_back({key, value_text(member(object, key))});
  return align_columns(rows, false);
}

std::string language_model_text(const std::vector<FinishedStage>& stages) {
  const Json& eval = result_of(stages, "eval");
  std::string text = fmt::format(
      "\nHeld-out users ({} transitions of {} users; ± standard error by user)\n",
      value_text(member(eval, "test_transitions")), value_text(member(eval, "test_users")));
  text += comparison_text(member(eval, "comparison")) + differences_text(eval);
  text += fmt::format("match rate {} over {} contexts\n", value_text(member(eval, "match_rate")),
                      value_text(member(eval, "match_rate_contexts")));
  return text + "\nTable\n" +
         chosen_lines(result_of(stages, "generate"),
                      {"rows", "mode", "k", "distinct_labels", "entropy_bits", "seconds_per_row"});
}

}  // namespace

nlohmann::ordered_json summary_json(const std::vector<FinishedStage>& stages) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& [name, outcome] : stages)
    list.push_back({{"name", name},
                    {"skipped", outcome.skipped},
                    {"seconds", outcome.seconds},
                    {"peak_memory", outcome.peak_memory},
                    {"result", outcome.result}});
  return {{"stages", std::move(list)}};
}

std::string summary_text(const std::vector<FinishedStage>& stages) {
  const Json& users = result_of(stages, "recommend_users");
  std::string text = stages_text(stages);
  if (!result_of(stages, "sft").empty()) text += language_model_text(stages);
  text += "\nRecommender\n" + key_value_lines(result_of(stages, "recommend_eval"));
  if (!users.empty()) text += "\nNew interests of held-out users\n\n" + recommendations_text(users);
  return text;
}

}  // namespace serendip
