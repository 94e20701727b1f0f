#include "infer/language_model.h"

#include "base/check.h"
#include "distributed/device.h"
#include "lm/model_io.h"

namespace serendip {
namespace {

torch::ScalarType dtype_of(const ModelOptions& options) {
  if (options.dtype == "float16") return torch::kFloat16;
  return options.dtype == "bfloat16" ? torch::kBFloat16 : torch::kFloat32;
}

}  // namespace

int32_t LanguageModel::label_of(const FreeAnswer& answer) const {
  if (!answer.ended) return -1;
  const auto found = language.label_of.find(tokenizer->decode(answer.ids));
  return found == language.label_of.end() ? -1 : found->second;
}

LanguageModel open_language_model(const ModelOptions& options, const std::filesystem::path& folder,
                                  const std::vector<std::string>& descriptions) {
  SERENDIP_CHECK(options.dtype != "float16" || options.device == "cuda",
                 "model.dtype: float16 needs model.device=cuda; on the CPU expected float32 or "
                 "bfloat16");
  const torch::Device device = open_device(options.device, "model.device");
  const std::filesystem::path base = base_model_folder(folder);
  const ModelConfig config = load_model_config(base);
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(base);
  InterestLanguage language =
      make_interest_language(*tokenizer, config, options.prompt_template, descriptions);
  LabelTrie trie(language.description_ids, language.terminator);
  return {load_decoder(folder, dtype_of(options), device), std::move(tokenizer),
          std::move(language), std::move(trie)};
}

}  // namespace serendip
