// Sentencepiece's spelling of spaces as U+2581, and the words that it begins.
#pragma once

#include <string>
#include <string_view>

namespace serendip {

constexpr std::string_view kSpaceSymbol = "\u2581";

// `text` with every `pattern` (not empty) replaced by `content`.
std::string replaced(std::string_view text, std::string_view pattern, std::string_view content);

// Bytes of the symbols that `text` begins with.
size_t leading_symbols(std::string_view text);

// Whether a symbol stands behind a letter. Where no token is so, merging never crosses the border
// in front of a run of symbols: words are then merged alone, and can be cached.
bool has_inner_symbol(std::string_view token);

// Calls `visit` for every word: a run of symbols (a single one with `every_symbol`) and the letters
// behind it.
template <typename Visit>
void for_each_word(std::string_view text, bool every_symbol, const Visit& visit) {
  while (!text.empty()) {
    size_t letter = leading_symbols(text);
    if (every_symbol && letter > 0) letter = kSpaceSymbol.size();
    const size_t end = text.find(kSpaceSymbol, letter);
    visit(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
}

}  // namespace serendip
