// Novel transitions (context) -> label: sets, their files, and how they are mined from events.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace serendip {

class Hdf5File;

// T transitions over contexts of K clusters, oldest first.
struct TransitionSet {
  int64_t context_size = 2;      // K
  std::vector<int32_t> context;  // [T, K]
  std::vector<int32_t> label;    // [T]
  std::vector<int64_t> count;    // [T]

  int64_t size() const { return static_cast<int64_t>(label.size()); }
  const int32_t* context_of(int64_t t) const { return context.data() + t * context_size; }
};

// The next rows; false at the end.
using TransitionSource = std::function<bool(TransitionSet& block)>;

// JSONL, one {"context":[c1,c2],"label":c,"count":n} a line. Throws Error naming file and line.
TransitionSet load_transition_set(const std::filesystem::path& path);
void save_transition_set(const TransitionSet& set, const std::filesystem::path& path);
void save_transition_set(const TransitionSource& rows, const std::filesystem::path& path);

// Transitions of single held-out users, one row an occurrence, so that errors can be clustered by
// user.
struct UserTransitions {
  int64_t context_size = 2;
  std::vector<int32_t> user;     // [T] index into the dataset's users
  std::vector<int32_t> context;  // [T, K]
  std::vector<int32_t> label;    // [T]
};

using HeldOutSource = std::function<bool(UserTransitions& block)>;

// transitions.h5: /all (training users, distinct, counted), /dev and /test (single occurrences).
struct Transitions {
  TransitionSet all;
  UserTransitions dev, test;
};
Transitions load_transitions(const std::filesystem::path& path);
void save_transitions(const Transitions& transitions, const std::filesystem::path& path);

// The same in pieces, for sets that do not fit the memory. The bytes of the file depend on the rows
// alone, not on the blocks in which they come.
void write_transitions(Hdf5File& file, int64_t context_size, const TransitionSource& all,
                       const HeldOutSource& dev, const HeldOutSource& test);
TransitionSource read_transitions(const std::filesystem::path& path);  // of /all
HeldOutSource read_held_out(const std::filesystem::path& path, const std::string& group);  // "/dev"

}  // namespace serendip
