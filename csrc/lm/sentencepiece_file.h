// What a sentencepiece .model file says that libsentencepiece does not tell.
#pragma once

#include <cstdint>
#include <string_view>

namespace serendip {

struct SentencepieceFacts {
  bool is_bpe = false;
  // Text reaches the model as it is: no character map, no spaces removed, spaces as U+2581.
  bool identity_normalizer = false;
  bool byte_fallback = false;
  bool whitespace_as_suffix = false;
  // Text, bytes, control pieces and the unknown piece; none user-defined or unused.
  bool plain_pieces = false;
};

// From a serialised ModelProto (sentencepiece_model.proto). All false for bytes that are none.
SentencepieceFacts read_sentencepiece_facts(std::string_view model);

}  // namespace serendip
