#include "train/eval_options.h"

namespace serendip {

void EvalOptions::declare(OptionSet& set) {
  set.add("every", every, "steps between checkpoints and evaluations", at_least(int64_t{1}));
  set.add("match_contexts", match_contexts, "contexts for the match rate of a step",
          at_least(int64_t{1}));
  set.add("sample", sample, "transitions of each set for the recall and likelihood of a step",
          at_least(int64_t{1}));
  set.add("final_match_contexts", final_match_contexts, "contexts for the chosen checkpoint",
          at_least(int64_t{1}));
  set.add("final_transitions", final_transitions, "test transitions for the chosen checkpoint",
          at_least(int64_t{1}));
  set.add("choose", choose, "what a checkpoint is chosen by on the dev set",
          one_of({"recall_at_1", "recall_at_5", "recall_at_10", "nll"}));
  set.add("match_rate", match_rate, "what a checkpoint must reach to be chosen by that",
          within(0.0, 1.0));
  set.add("patience", patience, "evaluations without a better checkpoint before stopping; 0: never",
          at_least(int64_t{0}));
  set.add("seed", seed, "of the samples");
}

}  // namespace serendip
