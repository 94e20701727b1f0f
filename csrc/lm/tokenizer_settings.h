// What tokenizer_config.json and added_tokens.json say beside the tokenizer itself.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lm/added_tokens.h"

namespace serendip {

struct TokenizerSettings {
  std::optional<bool> add_bos_token, add_eos_token;
  std::string bos_token, eos_token;  // empty when not named
  std::vector<AddedToken> added_tokens;
  // Sentencepiece's leading space: in front of every stretch between added tokens (`legacy`), of
  // the text only, or, without add_prefix_space, nowhere.
  bool legacy = true, add_prefix_space = true;
};

// Defaults where the files are absent. Throws Error naming file and field for what is not
// supported.
TokenizerSettings load_tokenizer_settings(const std::filesystem::path& model_folder);

}  // namespace serendip
