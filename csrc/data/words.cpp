#include "data/words.h"

namespace serendip {
namespace {

bool is_ascii_letter_or_digit(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9');
}

// Bytes of the separator at the start of `text`, 0 when a word goes on there.
size_t separator_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return is_ascii_letter_or_digit(text[0]) ? 0 : 1;
  if (lead == 0xc2) return text.size() < 2 ? text.size() : 2;
  if (text.size() < 3) return 0;
  const auto second = static_cast<unsigned char>(text[1]),
             third = static_cast<unsigned char>(text[2]);
  if (lead == 0xe2 && (second == 0x80 || (second == 0x81 && third < 0xb0))) return 3;
  return lead == 0xe3 && second == 0x80 ? 3 : 0;
}

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte; }

}  // namespace

std::string to_lower(std::string_view text) {
  std::string result(text);
  for (char& byte : result) byte = lower(byte);
  return result;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (word.size() > 1) words.push_back(word);
    word.clear();
  };
  while (!text.empty()) {
    const size_t separator = separator_length(text);
    if (separator > 0) {
      end_word();
    } else {
      word += lower(text[0]);
    }
    text.remove_prefix(separator > 0 ? separator : 1);
  }
  end_word();
  return words;
}

}  // namespace serendip
