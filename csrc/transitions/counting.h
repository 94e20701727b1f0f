// Equal transitions gathered and counted in bounded memory: a group-by over sorted runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "transitions/transitions.h"

namespace serendip {

class TransitionCounter {
 public:
  virtual ~TransitionCounter() = default;
  // One occurrence a row: context [T, K], label [T]. From any thread.
  virtual void add(const std::vector<int32_t>& context, const std::vector<int32_t>& label) = 0;
  // Rows counted before: ascending by context, then label.
  virtual void add_sorted(TransitionSource rows) = 0;
  // The next of all rows, ascending by context, then label, each once with the sum of its counts;
  // false at the end. Ends adding. Blocks are the same whatever the memory and order of adding.
  virtual bool next(TransitionSet& block) = 0;
};

// Contexts of K clusters; all clusters in [0, clusters). Holds about `memory` bytes; what is beyond
// lies in a scratch file in `folder` (24 bytes a distinct transition of a run, where K = 2).
std::unique_ptr<TransitionCounter> make_transition_counter(int64_t context_size, int64_t clusters,
                                                           int64_t memory,
                                                           const std::filesystem::path& folder);

}  // namespace serendip
