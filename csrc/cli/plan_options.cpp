#include "cli/plan_options.h"

namespace serendip {

void PlanOptions::declare(OptionSet& set) {
  const auto count = at_least(int64_t{0});
  set.add("ranks", ranks, "devices that share the work", at_least(int64_t{1}));
  set.add("device_tflops", device_tflops, "sustained 1e12 FLOP/s of a device; 0: no times",
          at_least(0.0));
  set.add("template_tokens", template_tokens, "tokens of the prompt's fixed text", count);
  set.add("description_tokens", description_tokens, "tokens of a description",
          at_least(int64_t{1}));
  set.add("searched_nodes", searched_nodes, "trie nodes a context expands; 0: from generate.k",
          count);
  set.add("vocabulary", vocabulary, "the model's shape where its config.json is absent", count);
  set.add("hidden_size", hidden_size, "", count);
  set.add("intermediate_size", intermediate_size, "", count);
  set.add("layers", layers, "", count);
  set.add("heads", heads, "", count);
  set.add("key_value_heads", key_value_heads, "", count);
  set.add("head_dim", head_dim, "", count);
  set.add("tied_embeddings", tied_embeddings, "one matrix embeds and projects");
}

}  // namespace serendip
