// Words of item text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace serendip {

// ASCII letters in lower case; other bytes as they are.
std::string to_lower(std::string_view text);

// The lower-cased words of UTF-8 `text` in order: runs of ASCII letters and digits and of
// characters beyond ASCII other than its spaces and punctuation (U+0080–00BF, U+2000–206F,
// U+3000–303F). Single ASCII characters are dropped.
std::vector<std::string> split_words(std::string_view text);

}  // namespace serendip
