// A user's past events, as policies read them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"

namespace serendip {

struct History {
  std::vector<int32_t> item;       // oldest first
  std::vector<int64_t> time = {};  // [items] seconds, ascending; may be empty where nobody reads it
  std::vector<float> reward = {};  // [items] the same
};

// A number that stands for the history's items, to key random choices by.
inline uint64_t history_key(const History& history) {
  uint64_t key = history.item.size();
  for (const int32_t item : history.item) key = mix_bits(key ^ static_cast<uint64_t>(item));
  return key;
}

}  // namespace serendip
