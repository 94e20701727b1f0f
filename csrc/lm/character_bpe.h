// tokenizer.json as Llama 2, Mistral and Gemma write it: sentencepiece's byte-pair encoding over
// characters, with spaces as U+2581 and a token a byte for characters that have none.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lm/tokenizer.h"
#include "lm/tokenizer_settings.h"

namespace serendip {

// Whether a tokenizer.json is of this kind at all; its parts may still be unsupported.
bool is_character_bpe(const nlohmann::json& tokenizer);

// prefix_ids and suffix_ids come from the post-processor's template; without one, from the
// settings. Throws Error beginning with `where`, the file, and naming the unsupported part, or
// nlohmann's exception for a part of another type than expected.
std::unique_ptr<Tokenizer> make_character_bpe(const nlohmann::json& tokenizer,
                                              const TokenizerSettings& settings,
                                              const std::string& where);

}  // namespace serendip
