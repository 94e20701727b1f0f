// Text to words, for keywords.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace serendip {

// Lower-case words in order of appearance, repeated where the text repeats them. Letters beyond
// ASCII count as letters (Latin, Greek and Cyrillic ones are lowered); hyphens between letters are
// kept ("sci-fi"), a closing 's is dropped. Left out: stop words, single ASCII letters, and what
// begins with a digit (numbers, years). Bytes that are not UTF-8 separate words.
std::vector<std::string> words_of(std::string_view text);

// The text in lower case on one line: control characters and runs of white space become one space.
std::string lower_line(std::string_view text);

}  // namespace serendip
