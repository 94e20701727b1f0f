#include "lm/regex_splitter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstdint>

#include "base/check.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

std::string error_text(int error) {
  std::array<char, 256> text{};
  pcre2_get_error_message(error, reinterpret_cast<PCRE2_UCHAR*>(text.data()), text.size());
  return text.data();
}

// Only the whole match is asked for: one pair of offsets, shared by all expressions of a thread.
pcre2_match_data* match_data() {
  thread_local const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data(
      pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  return data.get();
}

struct Match {
  size_t begin, end;
};

// The first match at or behind `start`; false when there is none.
bool find_match(const pcre2_code* code, std::string_view text, size_t start, Match& match) {
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int count =
      pcre2_match(code, subject, text.size(), start, PCRE2_NO_UTF_CHECK, match_data(), nullptr);
  if (count == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its state on the heap
    count = pcre2_match(code, subject, text.size(), start, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                        match_data(), nullptr);
  }
  if (count == PCRE2_ERROR_NOMATCH) return false;
  // 0: there were more groups than the one pair holds.
  SERENDIP_CHECK(count >= 0, "cannot split a text of {} bytes into words: {}", text.size(),
                 error_text(count));
  const size_t* offsets = pcre2_get_ovector_pointer(match_data());
  match = {offsets[0], offsets[1]};
  return true;
}

}  // namespace

struct RegexSplitter::Code {
  std::unique_ptr<pcre2_code, decltype(&pcre2_code_free)> compiled;
};

RegexSplitter::RegexSplitter(const std::string& expression, const std::string& where) {
  int error = 0;
  size_t position = 0;
  pcre2_code* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                    PCRE2_UTF | PCRE2_UCP, &error, &position, nullptr);
  SERENDIP_CHECK(compiled != nullptr, "{}: regular expression '{}', character {}: {}", where,
                 expression, position, error_text(error));
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without it the interpreter matches
  code_ = std::make_unique<Code>(Code{{compiled, &pcre2_code_free}});
}

RegexSplitter::~RegexSplitter() = default;
RegexSplitter::RegexSplitter(RegexSplitter&&) noexcept = default;

void RegexSplitter::split(std::string_view text, const PieceSink& sink) const {
  size_t begin = 0, start = 0;
  Match match{};
  while (start < text.size() && find_match(code_->compiled.get(), text, start, match)) {
    if (match.begin > begin) sink(text.substr(begin, match.begin - begin));
    if (match.end > match.begin) sink(text.substr(match.begin, match.end - match.begin));
    begin = start = match.end;
    if (match.end == match.begin && start < text.size()) next_code_point(text, start);
  }
  if (begin < text.size()) sink(text.substr(begin));
}

}  // namespace serendip
