#include "train/pretrain_options.h"

#include "base/check.h"

namespace serendip {

void PretrainOptions::declare(OptionSet& set) {
  const auto positive = at_least(int64_t{1});
  set.add("vocabulary", vocabulary, "pieces of the vocabulary; fewer where the text has fewer",
          at_least(int64_t{300}));
  set.add("hidden_size", hidden_size, "width of the model", positive);
  set.add("layers", layers, "decoder layers", positive);
  set.add("heads", heads, "attention heads of hidden_size / heads columns", positive);
  set.add("key_value_heads", key_value_heads, "which the heads share", positive);
  set.add("intermediate_size", intermediate_size, "width of the feed-forward", positive);
  set.add("context", context, "tokens of a text, and the most the model takes",
          at_least(int64_t{2}));
  set.add("steps", steps, "optimiser steps; 0: `run` leaves the stage out", at_least(int64_t{0}));
  set.add("batch_size", batch_size, "documents a step", positive);
  set.add("learning_rate", learning_rate, "peak learning rate", above(0.0));
  set.add("warmup_steps", warmup_steps, "linear warm-up", at_least(int64_t{0}));
  set.add("schedule", schedule, "after the warm-up", one_of({"constant", "linear", "cosine"}));
  set.add("weight_decay", weight_decay, "decoupled weight decay", at_least(0.0));
  set.add("clip_norm", clip_norm, "bound of the gradient norm; 0: none", at_least(0.0));
  set.add("seed", seed, "of the weights and the documents' order");
}

ModelConfig PretrainOptions::model_config(int64_t pieces) const {
  SERENDIP_CHECK(hidden_size % heads == 0 && hidden_size / heads % 2 == 0,
                 "pretrain.heads: expected heads of an even number of columns, got {} of {} "
                 "(pretrain.hidden_size)",
                 heads, hidden_size);
  SERENDIP_CHECK(heads % key_value_heads == 0,
                 "pretrain.key_value_heads: expected a divisor of the {} heads, got {}", heads,
                 key_value_heads);
  ModelConfig config;
  config.model_type = "llama";
  config.vocab_size = pieces;
  config.hidden_size = hidden_size;
  config.intermediate_size = intermediate_size;
  config.num_hidden_layers = layers;
  config.num_attention_heads = heads;
  config.num_key_value_heads = key_value_heads;
  config.head_dim = hidden_size / heads;
  config.max_position_embeddings = context;
  config.rms_norm_eps = 1e-5;
  config.tie_word_embeddings = true;
  config.bos_token_id = 1;
  config.eos_token_id = {2};
  return config;
}

}  // namespace serendip
