#include "infer/language_model.h"

#include "base/check.h"
#include "lm/model_io.h"

namespace serendip {

LanguageModel open_language_model(const ModelOptions& options, const std::filesystem::path& folder,
                                  const std::vector<std::string>& descriptions) {
  SERENDIP_CHECK(options.device == "cpu", "model.device: this version runs on cpu, got {}",
                 options.device);
  const auto dtype = options.dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32;
  const std::filesystem::path base = base_model_folder(folder);
  const ModelConfig config = load_model_config(base);
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(base);
  InterestLanguage language =
      make_interest_language(*tokenizer, config, options.prompt_template, descriptions);
  LabelTrie trie(language.description_ids, language.terminator);
  return {load_decoder(folder, dtype), std::move(tokenizer), std::move(language), std::move(trie)};
}

}  // namespace serendip
