// How much is measured, and how a checkpoint is chosen by it.
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

namespace serendip {

// Section "eval".
struct EvalOptions {
  int64_t every = 40;
  int64_t match_contexts = 512, sample = 64;
  int64_t final_match_contexts = 512, final_transitions = 400;
  std::string choose = "recall_at_10";
  double match_rate = 0.99;
  int64_t patience = 0;
  int64_t seed = 1;
  void declare(OptionSet& set);
};

}  // namespace serendip
