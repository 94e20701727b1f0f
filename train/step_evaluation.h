// What a fine-tuning run measures on its live weights every few steps, and the step it chooses.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "distributed/process_group.h"
#include "infer/language_model.h"
#include "train/eval_options.h"
#include "train/measure.h"
#include "transitions/transitions.h"

namespace serendip {

// Means over transitions; nll in nats, over the closed set of labels.
struct TransitionMeans {
  int64_t count = 0;
  double recall_at_1 = 0, recall_at_5 = 0, recall_at_10 = 0, nll = 0;

  nlohmann::json json() const;
  static TransitionMeans from(const nlohmann::json& json);
};

struct SetEvaluation {
  TransitionMeans all, unseen;  // unseen: transitions that no training user made
};

struct StepEvaluation {
  int64_t step = 0;
  double loss = 0, match_rate = 0;
  int64_t match_contexts = 0;     // that match_rate is a share of
  double label_entropy_bits = 0;  // of the descriptions that free decoding answers with
  SetEvaluation sft, dev, test;
  double seconds = 0;

  nlohmann::json json() const;
  static StepEvaluation from(const nlohmann::json& json);
  // Without nesting, as metrics.jsonl and TensorBoard take it.
  nlohmann::json flat() const;
};

// The same contexts and transitions at every step, split over the processes of `group`.
class StepEvaluator {
 public:
  struct Sets {
    TransitionSet sft, dev, test, all;  // all: what the training users did
  };
  StepEvaluator(const Sets& sets, int64_t cluster_count, const EvalOptions& options,
                ProcessGroup& group);

  // Every process calls it and has the same result. `decoder` without adapters.
  StepEvaluation run(const Decoder& decoder, const LanguageModel& model);
  // Popularity and first-order Markov counts on the same transitions, by name and set.
  nlohmann::json baselines() const;

 private:
  // Transitions of one set, this process's part.
  struct Sampled {
    UserTransitions transitions;
    std::vector<bool> unseen;
  };
  static constexpr size_t kSets = 3;

  std::array<SetEvaluation, kSets> means(const std::array<TransitionScores, kSets>& scores) const;

  ProcessGroup& group_;
  std::vector<int32_t> match_contexts_;  // this process's part
  int64_t match_count_;
  std::array<Sampled, kSets> sampled_;
  std::vector<std::pair<std::string, std::array<SetEvaluation, kSets>>> baselines_;
};

// The rule of eval.choose: among steps whose match rate reaches eval.match_rate the best on the dev
// set, else the highest match rate and, of equal ones, the best on the dev set; the earlier on a
// tie; -1 without evaluations.
int64_t best_step(const std::vector<StepEvaluation>& evaluations, const EvalOptions& options);

}  // namespace serendip
