// The events of users, read from data.h5 stretch by stretch: memory does not grow with the log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/hdf5_file.h"

namespace serendip {

// U consecutive users and their E events.
struct UserEvents {
  int64_t first_user = 0;
  std::vector<std::string> user_id;  // [U]
  std::vector<int64_t> offset;       // [U + 1] into item and reward, from 0
  std::vector<int32_t> item;         // [E], sorted by (user, time, input order)
  std::vector<float> reward;         // [E]

  int64_t user_count() const { return static_cast<int64_t>(user_id.size()); }
};

class UserEventReader {
 public:
  // The piece-th of `pieces` ranges of as many users each. Throws Error, as next() does, naming the
  // file and what is missing or inconsistent.
  explicit UserEventReader(const std::filesystem::path& data_h5, int64_t piece = 0,
                           int64_t pieces = 1);

  int64_t item_count() const { return item_count_; }
  // Of this piece.
  int64_t user_count() const { return end_ - begin_; }
  // Some thousand users, of about a million events or one user's if those are more; false at the
  // end.
  bool next(UserEvents& events);

 private:
  Hdf5File file_;
  std::string source_;
  int64_t item_count_, event_count_, begin_, end_, next_;
};

}  // namespace serendip
