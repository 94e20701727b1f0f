#include "train/evaluate.h"

#include <numeric>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/random.h"
#include "clusters/tree.h"
#include "infer/language_model.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "train/comparison.h"
#include "train/measure.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// `count` occurrences drawn with the seed; all when there are fewer.
UserTransitions sample(const UserTransitions& all, int64_t count, uint64_t seed) {
  std::vector<size_t> order(all.label.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Random random(seed);
  random.shuffle(order);
  order.resize(std::min(order.size(), static_cast<size_t>(count)));
  std::sort(order.begin(), order.end());
  UserTransitions chosen;
  chosen.context_size = all.context_size;
  const auto size = static_cast<size_t>(all.context_size);
  for (const size_t t : order) {
    chosen.user.push_back(all.user[t]);
    chosen.label.push_back(all.label[t]);
    for (size_t i = 0; i < size; ++i) chosen.context.push_back(all.context[t * size + i]);
  }
  return chosen;
}

}  // namespace

nlohmann::json evaluate(const ModelOptions& options, const EvalOptions& eval,
                        const fs::path& run_folder, const std::vector<fs::path>& named) {
  const ClusterTree tree = load_tree(run_folder / "tree.h5");
  const int64_t clusters = tree.planning().cluster_count();
  const Transitions transitions = load_transitions(run_folder / "transitions.h5");
  const TransitionSet balanced = load_transition_set(run_folder / "sft_balanced.jsonl");
  SERENDIP_CHECK(!transitions.test.label.empty(), "eval: no transitions of test users");
  const auto seed = static_cast<uint64_t>(eval.seed);
  const UserTransitions test = sample(transitions.test, eval.final_transitions, seed);
  const auto contexts = sample_contexts(clusters, eval.final_match_contexts, balanced, seed);

  const auto measure = [&](const fs::path& folder, double* matched) {
    spdlog::info("eval: {}", folder.string());
    const LanguageModel model = open_language_model(options, folder, tree.planning().description);
    SERENDIP_CHECK(model.language.context_size() == test.context_size,
                   "model.template: expected {} places for contexts of {}, got {}",
                   test.context_size, test.context_size, model.language.context_size());
    const Decoder decoder = merge_lora(model.decoder);
    if (matched != nullptr) *matched = match_rate(decoder, model, contexts);
    return score_transitions(test, language_distribution(decoder, model, test));
  };

  const std::vector<fs::path> checkpoints =
      named.empty() ? std::vector<fs::path>{run_folder / "sft" / "best"} : named;
  nlohmann::json result = {
      {"match_rate_contexts", eval.final_match_contexts},
      {"test_transitions", test.label.size()},
      {"test_users", std::set<int32_t>(test.user.begin(), test.user.end()).size()}};
  TransitionScores tuned;
  for (const fs::path& checkpoint : checkpoints) {
    double matched = 0;
    tuned = measure(checkpoint, &matched);
    const std::string name = named.empty() ? "fine-tuned" : checkpoint.filename().string();
    result["match_rate"] = matched;
    result["checkpoints"].push_back(
        {{"name", fs::weakly_canonical(checkpoint).filename().string()}, {"match_rate", matched}});
    result["comparison"].push_back(comparison_row(name, tuned, test.user));
  }
  const TransitionScores untuned = measure(options.path, nullptr);
  result["comparison"].push_back(comparison_row("untuned", untuned, test.user));
  const auto add_simple = [&](const char* name, const LabelDistributionOf& model) {
    const TransitionScores scores = score_transitions(test, model);
    result["comparison"].push_back(comparison_row(name, scores, test.user));
    return scores;
  };
  add_simple("popularity", popularity_distribution(transitions.all, clusters));
  add_simple("markov", markov_distribution(transitions.all, clusters));
  add_simple("markov_balanced", markov_distribution(balanced, clusters));
  const TransitionScores chance = add_simple("chance", uniform_distribution(clusters));
  result["differences"] = {
      {"nll_untuned_minus_tuned", difference(untuned.nll, tuned.nll, test.user)},
      {"recall_at_10_minus_chance", difference(tuned.hit_at_10, chance.hit_at_10, test.user)}};
  write_file(run_folder / "eval.json", result.dump(1) + "\n");
  return result;
}

}  // namespace serendip
