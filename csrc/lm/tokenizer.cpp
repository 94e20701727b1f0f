#include "lm/tokenizer.h"

#include "base/check.h"
#include "lm/byte_level_bpe.h"
#include "lm/character_bpe.h"
#include "lm/json_file.h"
#include "lm/sentencepiece_tokenizer.h"

namespace serendip {

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& model_folder) {
  const std::filesystem::path json_file = model_folder / "tokenizer.json";
  const std::filesystem::path sentencepiece_file = model_folder / "tokenizer.model";
  const bool has_json = std::filesystem::exists(json_file);
  const bool has_sentencepiece = std::filesystem::exists(sentencepiece_file);
  SERENDIP_CHECK(has_json || has_sentencepiece,
                 "{}: neither tokenizer.json nor tokenizer.model is there", model_folder.string());
  const TokenizerSettings settings = load_tokenizer_settings(model_folder);
  if (has_json) {
    try {
      const nlohmann::json tokenizer = read_json_object(json_file);
      if (is_byte_level_bpe(tokenizer))
        return make_byte_level_bpe(tokenizer, settings, json_file.string());
      if (!has_sentencepiece && is_character_bpe(tokenizer))
        return make_character_bpe(tokenizer, settings, json_file.string());
    } catch (const nlohmann::json::exception& error) {  // a part of another type than expected
      fail("{}: {}", json_file.string(), error.what());
    }
    SERENDIP_CHECK(
        has_sentencepiece,
        "{}: only BPE is supported (model 'BPE' with merges; pre_tokenizer 'ByteLevel' alone or at "
        "the end of a Sequence, 'Metaspace' or none), and there is no tokenizer.model",
        json_file.string());
  }
  return load_sentencepiece(sentencepiece_file, settings);
}

}  // namespace serendip
