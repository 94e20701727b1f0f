// The little of Unicode that tokenizers need beyond regular expressions.
#pragma once

#include <string>
#include <string_view>

namespace serendip {

// One U+FFFD for every maximal ill-formed part, as Python's bytes.decode("utf-8", "replace").
std::string replace_invalid_utf8(std::string_view bytes);

// Normalisation form C of valid UTF-8.
std::string normalize_nfc(std::string_view text);

// Appends `code_point` (a scalar value) to `text`.
void append_utf8(std::string& text, char32_t code_point);

// The code point at `position` of valid UTF-8; moves `position` behind it.
char32_t next_code_point(std::string_view text, size_t& position);

}  // namespace serendip
