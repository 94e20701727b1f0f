// What a fine-tuning run trains on, and in which order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "infer/interest_language.h"
#include "train/packing.h"
#include "transitions/transitions.h"

namespace serendip {

// The samples of a step: `count` consecutive places of a sequence of epochs over `all` (not empty),
// each shuffled by (seed, epoch); then sorted by tokens, so that those which share a prefix stand
// together.
std::vector<Sample> samples_of_step(const std::vector<Sample>& all, uint64_t seed, int64_t step,
                                    int64_t count);

class TrainingSamples {
 public:
  // Transitions repeated by their count. Those of more than `max_tokens` tokens are left out where
  // `skip_long`, and otherwise an Error that counts them and names the first. `where` names the
  // set. Throws Error for a label or a context outside the language, and where no sample is left.
  TrainingSamples(const InterestLanguage& language, const TransitionSet& set, int64_t max_tokens,
                  bool skip_long, uint64_t seed, const std::string& where);

  int64_t size() const { return static_cast<int64_t>(samples_.size()); }
  int64_t skipped() const { return skipped_; }

  std::vector<Sample> step(int64_t step, int64_t count) const {
    return samples_of_step(samples_, seed_, step, count);
  }

 private:
  std::vector<Sample> samples_;
  int64_t skipped_ = 0;
  uint64_t seed_;
};

// The part of a step's samples that the process `rank` of `world_size` computes, in passes of at
// most `micro_batch_size` samples (0: all at once). No pass is empty.
std::vector<std::vector<Sample>> own_passes(const std::vector<Sample>& samples, int64_t rank,
                                            int64_t world_size, int64_t micro_batch_size);

}  // namespace serendip
