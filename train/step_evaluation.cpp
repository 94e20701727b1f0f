#include "train/step_evaluation.h"

#include <torch/utils.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <tuple>

#include "base/random.h"
#include "infer/label_distribution.h"

namespace serendip {
namespace {

constexpr std::array<const char*, 3> kSetNames = {"sft", "dev", "test"};

// `count` occurrences drawn with the seed (all when there are fewer), sorted.
std::vector<Transition> sample(const TransitionSet& set, int64_t count, uint64_t seed) {
  std::vector<int64_t> occurrences;
  for (int64_t t = 0; t < set.size(); ++t)
    occurrences.insert(occurrences.end(), static_cast<size_t>(set.count[static_cast<size_t>(t)]),
                       t);
  Random random(seed);
  random.shuffle(occurrences);
  occurrences.resize(std::min(occurrences.size(), static_cast<size_t>(count)));
  std::vector<Transition> chosen;
  for (const int64_t t : occurrences) chosen.push_back(transition_of(set, t));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

template <typename T>
std::vector<T> part_of(const std::vector<T>& values, const ProcessGroup& group,
                       size_t row_size = 1) {
  const size_t rows = values.size() / row_size;
  const auto rank = static_cast<size_t>(group.rank());
  const auto world_size = static_cast<size_t>(group.world_size());
  const auto at = [&](size_t of) {
    return values.begin() + static_cast<int64_t>(rows * of / world_size * row_size);
  };
  return {at(rank), at(rank + 1)};
}

// Σ over processes.
std::vector<double> summed(const std::vector<double>& values, ProcessGroup& group) {
  at::Tensor sums = torch::tensor(values, torch::kFloat64);
  group.all_reduce_sum(sums);
  return {sums.const_data_ptr<double>(), sums.const_data_ptr<double>() + sums.numel()};
}

nlohmann::json set_json(const SetEvaluation& set) {
  return {{"all", set.all.json()}, {"unseen", set.unseen.json()}};
}

}  // namespace

nlohmann::json TransitionMeans::json() const {
  return {{"count", count},
          {"recall_at_1", recall_at_1},
          {"recall_at_5", recall_at_5},
          {"recall_at_10", recall_at_10},
          {"nll", nll}};
}

TransitionMeans TransitionMeans::from(const nlohmann::json& json) {
  return {json.at("count"), json.at("recall_at_1"), json.at("recall_at_5"), json.at("recall_at_10"),
          json.at("nll")};
}

nlohmann::json StepEvaluation::json() const {
  return {{"step", step},
          {"loss", loss},
          {"match_rate", match_rate},
          {"match_contexts", match_contexts},
          {"label_entropy_bits", label_entropy_bits},
          {"sft", set_json(sft)},
          {"dev", set_json(dev)},
          {"test", set_json(test)},
          {"seconds", seconds}};
}

StepEvaluation StepEvaluation::from(const nlohmann::json& json) {
  const auto set = [&](const char* name) -> SetEvaluation {
    return {TransitionMeans::from(json.at(name).at("all")),
            TransitionMeans::from(json.at(name).at("unseen"))};
  };
  return {json.at("step"),
          json.at("loss"),
          json.at("match_rate"),
          json.value("match_contexts", int64_t{0}),
          json.at("label_entropy_bits"),
          set("sft"),
          set("dev"),
          set("test"),
          json.at("seconds")};
}

nlohmann::json StepEvaluation::flat() const {
  const nlohmann::json nested = json();
  nlohmann::json values;
  for (const auto& [key, value] : nested.items()) {
    if (!value.is_object()) {
      values[key] = value;
      continue;
    }
    for (const auto& [kind, means] : value.items())
      for (const auto& [name, mean] : means.items())
        if (means.at("count") > 0) values[key + (kind == "all" ? "_" : "_unseen_") + name] = mean;
  }
  values.erase("step");
  return values;
}

StepEvaluator::StepEvaluator(const Sets& sets, int64_t cluster_count, const EvalOptions& options,
                             ProcessGroup& group)
    : group_(group), match_count_(options.match_contexts) {
  const auto seed = static_cast<uint64_t>(options.seed);
  const auto context_size = static_cast<size_t>(sets.sft.context_size);
  match_contexts_ =
      part_of(sample_contexts(cluster_count, match_count_, sets.sft, seed), group, context_size);
  const std::set<Transition> seen = distinct_transitions(sets.all);
  const std::array<const TransitionSet*, kSets> of = {&sets.sft, &sets.dev, &sets.test};
  for (size_t i = 0; i < kSets; ++i) {
    UserTransitions& transitions = sampled_[i].transitions;
    transitions.context_size = sets.sft.context_size;
    for (const Transition& transition : part_of(sample(*of[i], options.sample, seed), group)) {
      const auto& [context, label] = transition;
      transitions.context.insert(transitions.context.end(), context.begin(), context.end());
      transitions.label.push_back(label);
      sampled_[i].unseen.push_back(!seen.contains(transition));
    }
  }
  const auto add_baseline = [&](const char* name, const LabelDistributionOf& model) {
    std::array<TransitionScores, kSets> scores;
    for (size_t i = 0; i < kSets; ++i)
      scores[i] = score_transitions(sampled_[i].transitions, model);
    baselines_.emplace_back(name, means(scores));
  };
  add_baseline("popularity", popularity_distribution(sets.all, cluster_count));
  add_baseline("markov", markov_distribution(sets.all, cluster_count));
}

StepEvaluation StepEvaluator::run(const Decoder& decoder, const LanguageModel& model) {
  const auto start = std::chrono::steady_clock::now();
  torch::NoGradGuard no_grad;
  StepEvaluation result;
  std::vector<double> answers(static_cast<size_t>(model.language.cluster_count()));
  for (const int64_t label : free_labels(decoder, model, match_contexts_))
    if (label >= 0) ++answers[static_cast<size_t>(label)];
  answers = summed(answers, group_);
  double matched = 0;
  for (const double count : answers) matched += count;
  result.match_contexts = match_count_;
  result.match_rate = matched / static_cast<double>(match_count_);
  result.label_entropy_bits = entropy_bits(answers);

  // All sets in one go: their contexts may be the same.
  UserTransitions together;
  together.context_size = model.language.context_size();
  for (const Sampled& sampled : sampled_) {
    const UserTransitions& part = sampled.transitions;
    together.context.insert(together.context.end(), part.context.begin(), part.context.end());
    together.label.insert(together.label.end(), part.label.begin(), part.label.end());
  }
  const LabelDistributionOf distribution = language_distribution(decoder, model, together);
  std::array<TransitionScores, kSets> scores;
  for (size_t i = 0; i < kSets; ++i)
    scores[i] = score_transitions(sampled_[i].transitions, distribution);
  std::tie(result.sft, result.dev, result.test) = std::tuple_cat(means(scores));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::array<SetEvaluation, StepEvaluator::kSets> StepEvaluator::means(
    const std::array<TransitionScores, kSets>& scores) const {
  constexpr size_t kSums = 5;  // count and four measures
  std::vector<double> sums(kSets * 2 * kSums);
  for (size_t i = 0; i < kSets; ++i) {
    for (size_t t = 0; t < scores[i].nll.size(); ++t) {
      for (size_t kind = 0; kind < (sampled_[i].unseen[t] ? 2 : 1); ++kind) {
        double* sum = sums.data() + (i * 2 + kind) * kSums;
        sum[0] += 1;
        sum[1] += scores[i].hit_at_1[t];
        sum[2] += scores[i].hit_at_5[t];
        sum[3] += scores[i].hit_at_10[t];
        sum[4] += scores[i].nll[t];
      }
    }
  }
  sums = summed(sums, group_);
  const auto mean_of = [&](size_t i) -> TransitionMeans {
    const double* sum = sums.data() + i * kSums;
    if (sum[0] == 0) return {};
    return {static_cast<int64_t>(sum[0]), sum[1] / sum[0], sum[2] / sum[0], sum[3] / sum[0],
            sum[4] / sum[0]};
  };
  std::array<SetEvaluation, kSets> result;
  for (size_t i = 0; i < kSets; ++i) result[i] = {mean_of(2 * i), mean_of(2 * i + 1)};
  return result;
}

nlohmann::json StepEvaluator::baselines() const {
  nlohmann::json result;
  for (const auto& [name, sets] : baselines_)
    for (size_t i = 0; i < kSets; ++i) result[name][kSetNames[i]] = set_json(sets[i]);
  return result;
}

int64_t best_step(const std::vector<StepEvaluation>& evaluations, const EvalOptions& options) {
  const auto quality = [&](const TransitionMeans& dev) {
    if (options.choose == "nll") return -dev.nll;
    return options.choose == "recall_at_1"   ? dev.recall_at_1
           : options.choose == "recall_at_5" ? dev.recall_at_5
                                             : dev.recall_at_10;
  };
  const auto rank = [&](const StepEvaluation& evaluation) {
    const bool matches = evaluation.match_rate >= options.match_rate;
    return std::tuple(matches, matches ? 0.0 : evaluation.match_rate, quality(evaluation.dev.all));
  };
  const auto best = std::max_element(
      evaluations.begin(), evaluations.end(),
      [&](const StepEvaluation& a, const StepEvaluation& b) { return rank(a) < rank(b); });
  return best == evaluations.end() ? -1 : best->step;
}

}  // namespace serendip
