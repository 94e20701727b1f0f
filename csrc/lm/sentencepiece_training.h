// A sentencepiece vocabulary learnt from text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace serendip {

// BPE over unchanged text (UTF-8, one line each) with byte fallback: every text has ids and decodes
// to itself. Pieces 0, 1 and 2 are <unk>, <s> and </s>, 256 bytes follow, then what was merged, and
// the characters. At most `pieces` of them; fewer where the lines have fewer. Returns a tokenizer's
// .model file; the same lines make the same bytes. Throws Error where `pieces` cannot hold the
// lines' characters, saying how many it takes.
std::string train_sentencepiece(const std::vector<std::string>& lines, int64_t pieces);

}  // namespace serendip
