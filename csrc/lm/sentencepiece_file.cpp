#include "lm/sentencepiece_file.h"

#include <functional>

namespace serendip {
namespace {

// Field numbers of sentencepiece_model.proto.
constexpr uint64_t kPieces = 1, kTrainerSpec = 2, kNormalizerSpec = 3;
constexpr uint64_t kPieceType = 3;
constexpr uint64_t kUserDefined = 4, kUnused = 5;
constexpr uint64_t kModelType = 3, kWhitespaceAsSuffix = 24, kByteFallback = 35;
constexpr uint64_t kCharacterMap = 2, kRemoveExtraSpaces = 4, kEscapeSpaces = 5;
constexpr uint64_t kBpe = 2;

// One field of a protocol buffer: a number, or bytes.
struct Field {
  uint64_t number = 0, value = 0;
  std::string_view bytes;
};

// Calls `visit` for every field; false where the bytes are no message.
bool for_each_field(std::string_view message, const std::function<void(const Field&)>& visit) {
  const auto read_varint = [&](uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(message.front());
      message.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (!message.empty()) {
    uint64_t tag = 0, size = 0;
    if (!read_varint(tag)) return false;
    Field field{tag >> 3, 0, {}};
    const uint64_t wire_type = tag & 7;
    if (wire_type == 0) {
      if (!read_varint(field.value)) return false;
    } else if (wire_type == 1 || wire_type == 5 || wire_type == 2) {
      size = wire_type == 1 ? 8 : 4;
      if (wire_type == 2 && !read_varint(size)) return false;
      if (size > message.size()) return false;
      field.bytes = message.substr(0, size);
      message.remove_prefix(size);
    } else {
      return false;
    }
    visit(field);
  }
  return true;
}

}  // namespace

SentencepieceFacts read_sentencepiece_facts(std::string_view model) {
  SentencepieceFacts facts;
  bool map = false, removes_spaces = true, escapes_spaces = true;  // the proto's defaults
  bool special_pieces = false, whole = true;
  whole &= for_each_field(model, [&](const Field& part) {
    if (part.number == kPieces) {
      whole &= for_each_field(part.bytes, [&](const Field& field) {
        if (field.number == kPieceType)
          special_pieces |= field.value == kUserDefined || field.value == kUnused;
      });
    } else if (part.number == kTrainerSpec) {
      whole &= for_each_field(part.bytes, [&](const Field& field) {
        if (field.number == kModelType) facts.is_bpe = field.value == kBpe;
        if (field.number == kWhitespaceAsSuffix) facts.whitespace_as_suffix = field.value != 0;
        if (field.number == kByteFallback) facts.byte_fallback = field.value != 0;
      });
    } else if (part.number == kNormalizerSpec) {
      whole &= for_each_field(part.bytes, [&](const Field& field) {
        if (field.number == kCharacterMap) map = !field.bytes.empty();
        if (field.number == kRemoveExtraSpaces) removes_spaces = field.value != 0;
        if (field.number == kEscapeSpaces) escapes_spaces = field.value != 0;
      });
    }
  });
  facts.identity_normalizer = !map && !removes_spaces && escapes_spaces;
  facts.plain_pieces = !special_pieces;
  return whole ? facts : SentencepieceFacts{};
}

}  // namespace serendip
