// tokenizer.model as sentencepiece writes it, used the way Llama's tokenizer uses it.
#pragma once

#include <filesystem>
#include <memory>

#include "lm/tokenizer.h"
#include "lm/tokenizer_settings.h"

namespace serendip {

// A bare .model file. Its control pieces ("<s>"), the unknown piece and the settings' added tokens
// are recognised by their spelling. prefix_ids is bos unless the settings say otherwise, as Llama's
// tokenizer does. Throws Error naming the file when it does not load.
std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& model_file,
                                              const TokenizerSettings& settings = {});

}  // namespace serendip
