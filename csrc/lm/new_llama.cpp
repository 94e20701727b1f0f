#include "lm/new_llama.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/random.h"
#include "lm/model_io.h"

namespace serendip {
namespace {

constexpr double kDeviation = 0.02;

}  // namespace

void save_llama_config(const ModelConfig& config, const std::filesystem::path& folder) {
  const nlohmann::json model = {{"architectures", {"LlamaForCausalLM"}},
                                {"model_type", "llama"},
                                {"vocab_size", config.vocab_size},
                                {"hidden_size", config.hidden_size},
                                {"intermediate_size", config.intermediate_size},
                                {"num_hidden_layers", config.num_hidden_layers},
                                {"num_attention_heads", config.num_attention_heads},
                                {"num_key_value_heads", config.num_key_value_heads},
                                {"head_dim", config.head_dim},
                                {"max_position_embeddings", config.max_position_embeddings},
                                {"hidden_act", "silu"},
                                {"rms_norm_eps", config.rms_norm_eps},
                                {"rope_theta", 10000.0},
                                {"attention_bias", false},
                                {"mlp_bias", false},
                                {"tie_word_embeddings", true},
                                {"bos_token_id", config.bos_token_id.value()},
                                {"eos_token_id", config.eos_token_id.at(0)},
                                {"initializer_range", kDeviation}};
  const nlohmann::json tokenizer = {{"tokenizer_class", "LlamaTokenizer"},
                                    {"bos_token", "<s>"},
                                    {"eos_token", "</s>"},
                                    {"unk_token", "<unk>"},
                                    {"add_bos_token", true},
                                    {"add_eos_token", false},
                                    {"legacy", false},
                                    {"clean_up_tokenization_spaces", false},
                                    {"model_max_length", config.max_position_embeddings}};
  write_file(folder / "config.json", model.dump(2) + "\n");
  write_file(folder / "tokenizer_config.json", tokenizer.dump(2) + "\n");
}

Decoder new_decoder(const ModelConfig& config, uint64_t seed) {
  Decoder decoder = shaped_decoder(config);
  const double residual = 1 / std::sqrt(2.0 * static_cast<double>(config.num_hidden_layers));
  uint64_t stream = 0;
  decoder.for_each_weight([&](const std::string& name, torch::Tensor& weight) {
    ++stream;
    weight = torch::ones(weight.sizes());
    if (weight.dim() == 1) return;  // a norm
    const bool writes_residual =
        name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
    const double deviation = kDeviation * (writes_residual ? residual : 1);
    Random random(seed, stream);
    auto* values = weight.data_ptr<float>();
    for (int64_t i = 0; i < weight.numel(); ++i)
      values[i] = static_cast<float>(deviation * random.normal());
  });
  if (config.tie_word_embeddings) decoder.lm_head = decoder.embed_tokens;
  return decoder;
}

}  // namespace serendip
