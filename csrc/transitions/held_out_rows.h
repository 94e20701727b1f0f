// Transitions of held-out users as they are mined, kept in a scratch file until they are written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/scratch_file.h"
#include "transitions/transitions.h"

namespace serendip {

class HeldOutRows {
 public:
  HeldOutRows(int64_t context_size, const std::filesystem::path& folder);

  void append(const UserTransitions& rows);
  int64_t size() const { return size_; }
  // The next rows in the order of appending; false at the end. Ends appending.
  bool next(UserTransitions& block);

 private:
  void flush();

  int64_t context_size_;
  std::vector<int32_t> waiting_;  // rows of user, context, label
  ScratchFile scratch_;
  int64_t size_ = 0, written_ = 0, read_ = 0;
};

}  // namespace serendip
