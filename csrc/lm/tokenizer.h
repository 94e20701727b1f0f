// Text to token ids and back, as the model's own tokenizer files say.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace serendip {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Ids of `text` without special tokens added. Text that spells a special token becomes that
  // token, as `tokenizers` and `transformers` do.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // Bytes of the ids; special tokens are left out. Invalid UTF-8 is replaced by U+FFFD.
  virtual std::string decode(const std::vector<int32_t>& ids) const = 0;
  virtual int64_t vocabulary_size() const = 0;

  // What the tokenizer's configuration puts before and after a text (bos for Llama; nothing for
  // SmolLM2).
  std::vector<int32_t> prefix_ids, suffix_ids;
};

// tokenizer.model (sentencepiece) or tokenizer.json (byte-level BPE), with tokenizer_config.json
// where present. Throws Error naming the folder when there is neither, or the unsupported part.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& model_folder);

}  // namespace serendip
