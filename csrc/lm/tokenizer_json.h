// Parts of tokenizer.json that every kind of tokenizer shares.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "lm/added_tokens.h"
#include "lm/tokenizer_settings.h"

namespace serendip {

// The part itself, or the parts of a Sequence below `list`; none where it is null.
std::vector<nlohmann::json> parts_of(const nlohmann::json& part, const char* list);

// "added_tokens". `where` names the file.
std::vector<AddedToken> read_added_tokens(const nlohmann::json& tokenizer,
                                          const std::string& where);

// What is put before and after a text.
struct BorderIds {
  std::vector<int32_t> prefix, suffix;
};

// From the post-processor's template or, without one, from the settings. Throws Error naming an
// unsupported post-processor or a token that is neither added nor in the vocabulary.
BorderIds read_border_ids(const nlohmann::json& tokenizer, const TokenizerSettings& settings,
                          const std::unordered_map<std::string, int32_t>& vocabulary,
                          const std::string& where);

}  // namespace serendip
