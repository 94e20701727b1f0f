// The words that byte-level BPE works on, as tokenizer.json's "pre_tokenizer" cuts them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lm/regex_splitter.h"

namespace serendip {

class PreTokenizer {
 public:
  // Split (Isolated), Digits and ByteLevel, alone or in a Sequence that ends with ByteLevel. Throws
  // Error naming any other part; `where` names the file.
  PreTokenizer(const nlohmann::json& description, const std::string& where);

  // Calls `sink` for every word of valid UTF-8, in order. A view lives until `sink` returns.
  void split(std::string_view text, const RegexSplitter::PieceSink& sink) const {
    run(0, text, sink);
  }

 private:
  // Either a split or, without one, a space put in front of a piece that has none.
  using Step = std::optional<RegexSplitter>;

  void add_step(const nlohmann::json& description, bool last, const std::string& where);
  void run(size_t step, std::string_view piece, const RegexSplitter::PieceSink& sink) const;

  std::vector<Step> steps_;
};

// Whether the description is or ends with ByteLevel.
bool is_byte_level(const nlohmann::json& pre_tokenizer);

}  // namespace serendip
