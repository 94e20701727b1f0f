// A user's past events, as policies read them.
#pragma once

#include <cstdint>
#include <vector>

namespace serendip {

struct History {
  std::vector<int32_t> item;       // oldest first
  std::vector<int64_t> time = {};  // [items] seconds, ascending; may be empty where nobody reads it
  std::vector<float> reward = {};  // [items] the same
};

}  // namespace serendip
