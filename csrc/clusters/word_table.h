// The distinct words of every item's title and text, numbered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace serendip {

struct WordTable {
  std::vector<std::string> word;   // [V] ascending
  std::vector<int64_t> offset;     // [N + 1]
  std::vector<int32_t> item_word;  // indices into `word`, ascending and distinct within an item
};

// title and text are [N].
WordTable count_words(const std::vector<std::string>& title, const std::vector<std::string>& text);

}  // namespace serendip
