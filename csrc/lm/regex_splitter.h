// Splits UTF-8 text at the matches of a regular expression (PCRE2, Unicode properties, compiled).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace serendip {

class RegexSplitter {
 public:
  using PieceSink = std::function<void(std::string_view)>;

  // Throws Error beginning with `where` when the expression does not compile.
  RegexSplitter(const std::string& expression, const std::string& where);
  ~RegexSplitter();
  RegexSplitter(RegexSplitter&&) noexcept;

  // Calls `sink` for every match and every stretch between matches, in order; `text` is valid
  // UTF-8. Safe to call from several threads, and from within `sink`.
  void split(std::string_view text, const PieceSink& sink) const;

 private:
  struct Code;
  std::unique_ptr<Code> code_;
};

}  // namespace serendip
