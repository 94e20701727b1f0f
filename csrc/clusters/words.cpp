#include "clusters/words.h"

#include <cstdint>
#include <unordered_set>

namespace serendip {
namespace {

const std::unordered_set<std::string_view>& stop_words() {
  static const std::unordered_set<std::string_view> words = {
      "a",       "about",   "above",   "after",  "again",  "against", "all",     "also",
      "am",      "an",      "and",     "any",    "are",    "aren't",  "as",      "at",
      "aux",     "be",      "because", "been",   "before", "being",   "below",   "between",
      "both",    "but",     "by",      "can",    "can't",  "com",     "could",   "couldn't",
      "das",     "de",      "del",     "der",    "des",    "did",     "didn't",  "die",
      "do",      "does",    "doesn't", "doing",  "don't",  "down",    "du",      "during",
      "each",    "ein",     "eine",    "el",     "en",     "et",      "few",     "for",
      "from",    "further", "genre",   "genres", "get",    "had",     "hadn't",  "has",
      "hasn't",  "have",    "haven't", "having", "he",     "her",     "here",    "hers",
      "herself", "him",     "himself", "his",    "how",    "http",    "https",   "i'm",
      "if",      "ii",      "iii",     "il",     "in",     "into",    "is",      "isn't",
      "it",      "its",     "itself",  "iv",     "ix",     "just",    "la",      "las",
      "le",      "les",     "listed",  "los",    "me",     "misc",    "more",    "most",
      "my",      "myself",  "nan",     "no",     "none",   "nor",     "not",     "now",
      "null",    "of",      "off",     "on",     "once",   "only",    "or",      "other",
      "our",     "ours",    "out",     "over",   "own",    "same",    "she",     "should",
      "so",      "some",    "such",    "than",   "that",   "the",     "their",   "theirs",
      "them",    "then",    "there",   "these",  "they",   "this",    "those",   "through",
      "to",      "too",     "un",      "und",    "under",  "une",     "unknown", "until",
      "up",      "very",    "vi",      "vii",    "viii",   "vs",      "was",     "wasn't",
      "we",      "were",    "weren't", "what",   "when",   "where",   "which",   "while",
      "who",     "whom",    "why",     "will",   "with",   "won't",   "would",   "www",
      "xi",      "xii",     "you",     "your",   "yours",  "yourself"};
  return words;
}

constexpr uint32_t kInvalid = 0xffffffff;

// Decodes one code point at `at` and advances; kInvalid for a byte that begins none.
uint32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  const size_t extra = lead < 0x80       ? 0
                       : lead >> 5 == 6  ? 1
                       : lead >> 4 == 14 ? 2
                       : lead >> 3 == 30 ? 3
                                         : 4;
  if (extra == 4 || at + extra >= text.size()) {
    ++at;
    return kInvalid;
  }
  uint32_t code = extra == 0 ? lead : lead & (0x3fu >> extra);
  for (size_t i = 1; i <= extra; ++i) {
    if (byte(at + i) >> 6 != 2) {
      ++at;
      return kInvalid;
    }
    code = code << 6 | (byte(at + i) & 0x3f);
  }
  at += extra + 1;
  return code;
}

uint32_t lowered(uint32_t code) {
  const auto within = [&](uint32_t low, uint32_t high) { return code >= low && code <= high; };
  if (within('A', 'Z')) return code + 32;
  if (within(0xc0, 0xde) && code != 0xd7) return code + 32;           // Latin-1
  if (within(0x100, 0x137) || within(0x14a, 0x177)) return code | 1;  // Latin Extended-A
  if (within(0x139, 0x148) || within(0x179, 0x17e)) return code + (code & 1);
  if (within(0x391, 0x3a9)) return code + 32;  // Greek
  if (within(0x410, 0x42f)) return code + 32;  // Cyrillic
  if (within(0x400, 0x40f)) return code + 80;
  return code;
}

bool is_digit(uint32_t code) { return code >= '0' && code <= '9'; }

// Letters of any script: beyond ASCII all but signs, punctuation and spaces.
bool is_letter(uint32_t code) {
  if (code < 0x80) return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
  if (code < 0xc0) return code == 0xaa || code == 0xb5 || code == 0xba;
  if (code == 0xd7 || code == 0xf7 || code == kInvalid) return false;
  if (code >= 0x2000 && code <= 0x2bff) return false;  // punctuation, arrows, symbols
  if (code >= 0x2e00 && code <= 0x2e7f) return false;
  if (code >= 0x3000 && code <= 0x303f) return false;  // CJK punctuation
  if (code >= 0xe000 && code <= 0xf8ff) return false;  // private use
  if (code >= 0xfe00 && code <= 0xfe0f) return false;  // variation selectors
  if (code >= 0xff00 && code <= 0xff0f) return false;
  return code < 0x1f000 || code > 0x1faff;  // emoji
}

void append_code_point(std::string& text, uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

void add_word(std::string& word, std::vector<std::string>& words) {
  if (word.size() > 2 && word.ends_with("'s")) word.resize(word.size() - 2);
  const bool begins_with_digit = !word.empty() && is_digit(static_cast<uint8_t>(word[0]));
  if (word.size() > 1 && !begins_with_digit && !stop_words().contains(word)) {
    words.push_back(word);
  }
  word.clear();
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  uint32_t joiner = 0;  // a hyphen or apostrophe that the next letter may join to the word
  for (size_t at = 0; at < text.size();) {
    const uint32_t code = next_code_point(text, at);
    if (is_letter(code) || is_digit(code)) {
      if (joiner != 0) append_code_point(word, joiner);
      joiner = 0;
      append_code_point(word, lowered(code));
    } else if (!word.empty() && joiner == 0 && (code == '-' || code == '\'' || code == 0x2019)) {
      joiner = code == '-' ? U'-' : U'\'';
    } else {
      joiner = 0;
      add_word(word, words);
    }
  }
  add_word(word, words);
  return words;
}

std::string lower_line(std::string_view text) {
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const uint32_t code = next_code_point(text, at);
    const bool space = code <= 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0x2028 ||
                       code == 0x2029 || code == kInvalid;
    if (!space) {
      append_code_point(line, lowered(code));
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace serendip
