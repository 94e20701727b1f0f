#include "tests/report/small_run.h"

#include <fmt/format.h>

#include "base/file.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "transitions/transitions.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

constexpr const char* kHostile = "</script><script>alert(1)</script>";
constexpr int32_t kClusters = 6, kItems = 24;

ClusterTree small_tree() {
  ClusterTree tree;
  tree.item_traffic.assign(kItems, 1);
  const std::array<int32_t, kTreeLevels> counts = {2, kClusters, 12, kItems};
  for (size_t at = 0; at < counts.size(); ++at) {
    TreeLevel& level = tree.levels[at];
    for (int32_t item = 0; item < kItems; ++item)
      level.assignment.push_back(item * counts[at] / kItems);
    for (int32_t cluster = 0; cluster < counts[at]; ++cluster) {
      level.parent.push_back(at == 0 ? -1 : cluster * counts[at - 1] / counts[at]);
      level.traffic.push_back(static_cast<double>(kItems) / counts[at]);
      level.description.push_back(cluster == 1 ? kHostile
                                               : fmt::format("it's <b> & \"{}\"", cluster));
    }
  }
  return tree;
}

Dataset small_dataset() {
  Dataset data;
  for (int32_t item = 0; item < kItems; ++item) {
    data.item_id.push_back(std::to_string(item));
    data.item_title.push_back(item == 0 ? kHostile : fmt::format("<img src=x> {}", item));
    data.item_text.emplace_back();
  }
  data.user_id = {"u"};
  data.user_offset = {0, 1};
  data.event_item = {0};
  data.event_time = {0};
  data.event_reward = {1};
  return data;
}

void write_manifest(const fs::path& folder, const std::string& stage, const Json& result,
                    const std::string& set = "balanced") {
  const Json manifest = {{"stage", stage},
                         {"version", "0.1.0"},
                         {"settings", fmt::format("sft.set: \"{}\"\n", set)},
                         {"seconds", 1.5},
                         {"peak_memory", 1 << 20},
                         {"machine", {{"processor", kHostile}, {"cores", 2}}},
                         {"software",
                          {{"commit", "0123456789ab"},
                           {"compiler", "GCC 12"},
                           {"libraries", {{"LibTorch", "2.11.0"}, {"METIS", kHostile}}}}},
                         {"result", result}};
  write_file(folder / "manifests" / (stage + ".json"), manifest.dump());
}

Json effect(double value) {
  return {{"value", value}, {"low", value - 0.1}, {"high", value + 0.1},
          {"p", 0.2},       {"detectable", 0.14}, {"standard_error", 0.05}};
}

}  // namespace

PairTable small_pair_table(int64_t clusters, int64_t labels) {
  PairTable table;
  table.contexts = ContextList::all(clusters, 2);
  table.k = labels;
  for (int64_t row = 0; row < table.rows(); ++row) {
    for (int64_t rank = 0; rank < labels; ++rank) {
      const bool none = row == 3 && rank > 0;
      table.label.push_back(none ? PairTable::kNoLabel
                                 : static_cast<int32_t>((row + rank) % clusters));
      table.log_prob.push_back(none ? -INFINITY : -0.7F * static_cast<float>(row));
      table.probability_low.push_back(0);
      table.probability_high.push_back(1);
    }
  }
  return table;
}

Json small_experiment() {
  Json results = {{"parameters",
                   {{"worlds", 20},
                    {"users_a_world", 100},
                    {"items", 500},
                    {"topics", 50},
                    {"clusters", 64},
                    {"days_before", 28},
                    {"days", 2},
                    {"retrain_every", 7},
                    {"control", "control"},
                    {"bandit", "bandit"},
                    {"resampled", "worlds"}}}};
  for (const char* arm : {"control", "bandit", "<i>hybrid"}) {
    const Json metrics = {{"watch_minutes", effect(1)}, {"active", effect(0.2)}};
    results["arms"][arm] = {
        {"policy", "language"}, {"worlds", 20}, {"levels", metrics}, {"over_control", metrics}};
    results["figure_4b"].push_back(
        {{"arm", arm}, {"novelty", effect(0.3)}, {"quality", effect(-0.2)}});
    for (const char* reading : {"exactly", "at_least"})
      for (const int n : {20, 40})
        results["figure_4c"].push_back({{"arm", arm},
                                        {"reading", reading},
                                        {"n", n / 10},
                                        {"n_of_761", n},
                                        {"users", effect(0.1)},
                                        {"over_control", effect(0.05)},
                                        {"p_holm", 1}});
    for (const int day : {0, 1}) {
      const Json both = {{"level", effect(10)}, {"over_control", effect(0.5 * day)}};
      results["figure_5"].push_back(
          {{"arm", arm}, {"day", day}, {"watch_minutes", both}, {"active", both}});
    }
  }
  for (const double accuracy : {0.0, 1.0})
    for (const double gamma : {0.0, 0.2})
      results["phase_diagram"].push_back({{"accuracy", accuracy},
                                          {"gamma", gamma},
                                          {"worlds", 5},
                                          {"control_minutes", 12},
                                          {"watch_minutes", effect(accuracy - 0.5)},
                                          {"interests_found", effect(accuracy)}});
  results["claims"].push_back({{"claim", "5_watch_time"},
                               {"arm", "<i>hybrid"},
                               {"statement", "more is watched"},
                               {"verdict", "does not hold"},
                               {"effect", effect(-0.3)},
                               {"margin", 0},
                               {"p_holm", 0.012}});
  results["claims"].push_back({{"claim", "equivalent_at_rho_0"},
                               {"arm", "<i>hybrid"},
                               {"statement", "watch time is the control's"},
                               {"verdict", "not decided"},
                               {"effect", effect(0.01)},
                               {"margin", 0.07},
                               {"p_holm", 0.34}});
  return results;
}

void write_random_run(const fs::path& folder, const std::string& set) {
  fs::create_directories(folder / "random/manifests");
  PairTable table = small_pair_table(kClusters, 2);
  table.hashes["descriptions"] = descriptions_hash(small_tree().planning().description);
  save_pair_table(table, folder / "random/table.h5");
  write_manifest(folder / "random", "sft", {}, set);
}

void write_small_run(const fs::path& folder) {
  fs::create_directories(folder / "manifests");
  fs::create_directories(folder / "sft");
  fs::create_directories(folder / "experiment");
  save_tree(small_tree(), folder / "tree.h5");
  save_dataset(small_dataset(), folder / "data.h5");
  PairTable table = small_pair_table(kClusters, 2);
  table.hashes["descriptions"] = descriptions_hash(small_tree().planning().description);
  save_pair_table(table, folder / "table.h5");
  save_transitions({{2, {0, 1, 2, 3}, {4, 5}, {7, 1}}, {}, {}}, folder / "transitions.h5");
  write_manifest(folder, "import", {{"users", 1}, {"items", kItems}, {"events", 1}});
  write_manifest(folder, "sft", {{"steps", 20}});
  write_manifest(folder, "recommend_eval",
                 {{"test", {{"hr_at_10", 0.25}}}, {"popularity", {{"hr_at_10", 0.125}}}});
  std::string metrics = "{\"stage\": \"sft\", \"step\": 1, \"loss\": 5}\n";
  for (const int step : {10, 20})
    metrics += Json{{"stage", "sft"},          {"step", step},
                    {"match_rate", 0.9},       {"match_contexts", 64},
                    {"dev_recall_at_10", 0.2}, {"dev_count", 32},
                    {"dev_nll", 40.0 / step}}
                   .dump() +
               "\n";
  write_file(folder / "sft/metrics.jsonl", metrics);
  const Json model = {{"model", "fine-tuned"}, {"recall_at_1", 0.1}, {"recall_at_5", 0.2},
                      {"recall_at_10", 0.3},   {"nll", 4},           {"nll_se", 0.1}};
  write_file(folder / "eval.json", Json{{"comparison", {model}},
                                        {"match_rate", 1},
                                        {"match_rate_contexts", 64},
                                        {"test_transitions", 20},
                                        {"test_users", 5}}
                                       .dump());
  const Json user = {{"user", kHostile},
                     {"history", {kHostile}},
                     {"context", {"a", "b"}},
                     {"interest", {{"description", kHostile}, {"log_prob", -1.5}}},
                     {"items", {{{"title", kHostile}}}}};
  write_file(folder / "recommendations.json", Json{{"users", {user}}}.dump());
  write_file(folder / "experiment/results.json", small_experiment().dump());
  write_file(folder / "recipe.yaml", std::string("run:\n  folder: \"") + kHostile + "\"\n");
}

}  // namespace serendip
