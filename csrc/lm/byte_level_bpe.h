// tokenizer.json as GPT-2, Llama 3, Qwen2 and SmolLM2 write it: byte-pair encoding over bytes.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "lm/tokenizer.h"
#include "lm/tokenizer_settings.h"

namespace serendip {

// Whether a tokenizer.json is of this kind at all; its parts may still be unsupported.
bool is_byte_level_bpe(const nlohmann::json& tokenizer);

// prefix_ids and suffix_ids come from the post-processor's template; without one, from the
// settings. Throws Error beginning with `where`, the file, and naming the unsupported part, or
// nlohmann's exception for a part of another type than expected.
std::unique_ptr<Tokenizer> make_byte_level_bpe(const nlohmann::json& tokenizer,
                                               const TokenizerSettings& settings,
                                               const std::string& where);

}  // namespace serendip
