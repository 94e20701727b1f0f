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
  int64_t steps = 160, batch_size = 16, micro_batch_size = 0;
  bool recompute = false;
  double learning_rate = 1e-3;
  int64_t warmup_steps = 10;
  std::string schedule = "cosine";
  double weight_decay = 0, clip_norm = 1;
  std::string too_long = "refuse";
  int64_t keep_last = 2;
  int64_t seed = 1;
  void declare(OptionSet& set);
};

// Reads tree.h5, transitions.h5, sft_balanced.jsonl or sft_random.jsonl, dev.jsonl and test.jsonl
// of the run folder. Writes every eval.every steps sft/step_N (the model or adapter, and in
// trainer/ the optimiser and the position), sft/evaluations/step_N.json, sft/best (a link to the
// chosen step) and sft/figure_4a.svg; with every step sft/metrics.jsonl and a TensorBoard event
// file.
//
// A killed call goes on from the last whole checkpoint when settings and inputs are the same, and
// ends with the same weights, bit for bit. SIGTERM and SIGINT end it after the step under way, with
// a checkpoint.
//
// Started as several processes (csrc/distributed/launch.h), they share out each step's samples, the
// optimiser's state and the evaluations; the first one writes. Checkpoints do not depend on how
// many there are.
//
// Returns {"steps", "samples", "samples_skipped", "best_step", "best_match_rate",
// "best_dev_recall", "best_test_recall", "seconds_per_step", "tokens_per_second",
// "share_of_gemm_rate", "evaluation_seconds", "curve": [{"step", "loss", "match_rate",
// "sft_recall_at_10", …}], "baselines"}.
nlohmann::json sft(const ModelOptions& model, const SftOptions& options, const EvalOptions& eval,
                   const std::filesystem::path& run_folder);

}  // namespace serendip
