// Supervised fine-tuning on novel transitions, with checkpoints chosen step by step.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/options.h"
#include "infer/model_options.h"
#include "train/eval_options.h"

namespace serendip {

// Section "sft".
struct SftOptions {
  std::string mode = "lora", set = "balanced";
  int64_t lora_rank = 16;
  double lora_alpha = 32, lora_dropout = 0;
  std::vector<std::string> lora_targets = {"all-linear"};
  int64_t steps = 160, batch_size = 16;
  double learning_rate = 1e-3;
  int64_t warmup_steps = 10;
  std::string schedule = "cosine";
  double weight_decay = 0, clip_norm = 1;
  int64_t seed = 1;
  void declare(OptionSet& set);
};

// Reads tree.h5, sft_balanced.jsonl or sft_random.jsonl, dev.jsonl and test.jsonl of the run
// folder. Writes sft/step_N every eval.every steps: the model or adapter, trainer/ (optimiser and
// position) and evaluation.json; sft/best, a link to the chosen step; metrics.jsonl. A killed call
// goes on from the last whole checkpoint when settings and inputs are the same, and ends with the
// same weights.
//
// Chosen is the highest dev recall among steps whose match rate reaches eval.match_rate, else the
// highest match rate; the earlier step on a tie.
//
// Returns {"steps", "samples", "best_step", "best_match_rate", "best_dev_recall",
// "seconds_per_step", "curve": [{"step", "loss", "match_rate", "sft_recall", "dev_recall",
// "test_recall"}]}.
nlohmann::json sft(const ModelOptions& model, const SftOptions& options, const EvalOptions& eval,
                   const std::filesystem::path& run_folder);

}  // namespace serendip
