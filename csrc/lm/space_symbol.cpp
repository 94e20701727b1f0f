#include "lm/space_symbol.h"

namespace serendip {

std::string replaced(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string result;
  for (size_t at = 0;;) {
    const size_t found = text.find(pattern, at);
    result += text.substr(at, found - at);
    if (found == std::string_view::npos) return result;
    result += content;
    at = found + pattern.size();
  }
}

size_t leading_symbols(std::string_view text) {
  size_t at = 0;
  while (text.substr(at).starts_with(kSpaceSymbol)) at += kSpaceSymbol.size();
  return at;
}

bool has_inner_symbol(std::string_view token) {
  return token.find(kSpaceSymbol, leading_symbols(token)) != std::string_view::npos;
}

}  // namespace serendip
