#include "lm/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/check.h"

namespace serendip {
namespace {

struct Sequence {
  size_t length;
  bool valid;
};

// The sequence that starts at `position`, or the maximal part of one (Unicode 15, table 3-7).
Sequence sequence_at(std::string_view text, size_t position) {
  const auto lead = static_cast<uint8_t>(text[position]);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < length; ++i) {
    if (position + i >= text.size()) return {i, false};
    const auto byte = static_cast<uint8_t>(text[position + i]);
    if (byte < low || byte > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

}  // namespace

std::string replace_invalid_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  size_t copied = 0, position = 0;
  while (position < bytes.size()) {
    const Sequence sequence = sequence_at(bytes, position);
    if (!sequence.valid) {
      text.append(bytes.substr(copied, position - copied));
      text.append("\uFFFD");
      copied = position + sequence.length;
    }
    position += sequence.length;
  }
  text.append(bytes.substr(copied));
  return text;
}

std::string normalize_nfc(std::string_view text) {
  // Nothing below U+0300 (lead byte 0xCC) changes or combines.
  const bool unchanged =
      std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0xCC; });
  if (unchanged) return std::string(text);
  uint8_t* buffer = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &buffer, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<uint8_t, decltype(&std::free)> owner(buffer, &std::free);
  SERENDIP_CHECK(size >= 0, "cannot normalise text of {} bytes: {}", text.size(),
                 utf8proc_errmsg(size));
  return std::string(reinterpret_cast<const char*>(buffer), static_cast<size_t>(size));
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto byte = [&](char32_t bits) { text.push_back(static_cast<char>(bits)); };
  if (code_point < 0x80) {
    byte(code_point);
    return;
  }
  if (code_point < 0x800) {
    byte(0xC0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      byte(0xE0 | code_point >> 12);
    } else {
      byte(0xF0 | code_point >> 18);
      byte(0x80 | (code_point >> 12 & 0x3F));
    }
    byte(0x80 | (code_point >> 6 & 0x3F));
  }
  byte(0x80 | (code_point & 0x3F));
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[position + i]); };
  const size_t length = sequence_at(text, position).length;
  char32_t code_point = length == 1 ? byte(0) : byte(0) & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) code_point = code_point << 6 | (byte(i) & 0x3F);
  position += length;
  return code_point;
}

}  // namespace serendip
