#include "cli/plan.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "cli/stages.h"
#include "cli/text.h"
#include "lm/config.h"
#include "transitions/context_list.h"

namespace serendip {
namespace {

// Bytes of a value the table holds beside its label: log-probability and its two bounds.
constexpr double kTableFloats = 3 * sizeof(float);

ModelConfig model_shape(const Recipe& recipe) {
  const std::filesystem::path folder = recipe.model.path;
  if (recipe.pretrains_its_model()) return recipe.pretrain.model_config(recipe.pretrain.vocabulary);
  if (std::filesystem::exists(folder / "config.json")) return load_model_config(folder);
  const PlanOptions& plan = recipe.plan;
  ModelConfig config;
  config.vocab_size = plan.vocabulary;
  config.hidden_size = plan.hidden_size;
  config.intermediate_size = plan.intermediate_size;
  config.num_hidden_layers = plan.layers;
  config.num_attention_heads = plan.heads;
  config.num_key_value_heads = plan.key_value_heads;
  config.head_dim = plan.head_dim;
  config.tie_word_embeddings = plan.tied_embeddings;
  SERENDIP_CHECK(
      std::min({plan.vocabulary, plan.hidden_size, plan.intermediate_size, plan.layers, plan.heads,
                plan.key_value_heads, plan.head_dim}) > 0,
      "model.path: no config.json in '{}', and the recipe's section 'plan' does not give the "
      "model's shape",
      folder.string());
  return config;
}

// What both LLM stages cost a token.
struct Cost {
  ModelConfig config;
  double weight_bytes;   // of one value in model.dtype
  double prompt, label;  // tokens

  double vocabulary_flops() const {
    return config.flops_per_token(true) - config.flops_per_token(false);
  }
  // Scores and values of one token that attends `length` others.
  double attention_flops(double length) const {
    return 4.0 *
           static_cast<double>(config.num_hidden_layers * config.num_attention_heads *
                               config.head_dim) *
           length;
  }
};

double lora_parameters(const ModelConfig& config, const SftOptions& sft) {
  const int64_t query = config.num_attention_heads * config.head_dim;
  const int64_t key = config.num_key_value_heads * config.head_dim;
  const std::vector<std::pair<std::string, int64_t>> sizes = {
      {"q_proj", config.hidden_size + query},
      {"k_proj", config.hidden_size + key},
      {"v_proj", config.hidden_size + key},
      {"o_proj", query + config.hidden_size},
      {"gate_proj", config.hidden_size + config.intermediate_size},
      {"up_proj", config.hidden_size + config.intermediate_size},
      {"down_proj", config.intermediate_size + config.hidden_size}};
  const auto targets = [&](const std::string& name) {
    return std::count(sft.lora_targets.begin(), sft.lora_targets.end(), name) > 0;
  };
  int64_t total = 0;
  for (const auto& [name, size] : sizes)
    if (targets(name) || targets("all-linear")) total += size;
  return static_cast<double>(total * config.num_hidden_layers * sft.lora_rank);
}

class Planner {
 public:
  explicit Planner(const Recipe& recipe) : recipe_(recipe), plan_(recipe.plan) {
    if (!recipe.fine_tunes()) return;
    cost_.config = model_shape(recipe);
    cost_.weight_bytes = recipe.model.dtype.find("16") != std::string::npos ? 2 : 4;
    context_ = static_cast<double>(recipe.curate.context_size);
    description_ = static_cast<double>(plan_.description_tokens);
    template_ = static_cast<double>(plan_.template_tokens);
    cost_.prompt = template_ + context_ * description_;
    cost_.label = description_ + 1;
  }

  std::vector<Quantity> run() {
    if (!recipe_.fine_tunes()) return {};
    const double parameters = static_cast<double>(cost_.config.parameter_count());
    if (recipe_.pretrain.steps > 0) plan_pretrain();
    add("model", "parameters", parameters, Unit::kCount);
    add("model", "weights", parameters * cost_.weight_bytes, Unit::kBytes);
    plan_sft(parameters);
    plan_generate();
    return std::move(quantities_);
  }

 private:
  void add(const char* stage, const char* name, double value, Unit unit) {
    quantities_.push_back({stage, name, value, unit});
  }

  void add_time(const char* stage, double flops) {
    const double rate = plan_.device_tflops * 1e12 * static_cast<double>(plan_.ranks);
    if (rate > 0) add(stage, "time at least", flops / rate, Unit::kSeconds);
  }

  // Documents are of any length up to the context.
  void plan_pretrain() {
    const PretrainOptions& pretrain = recipe_.pretrain;
    const ModelConfig config = pretrain.model_config(pretrain.vocabulary);
    const auto documents = static_cast<double>(pretrain.steps * pretrain.batch_size);
    const double tokens = documents * static_cast<double>(pretrain.context);
    const double flops = 3 * tokens * config.flops_per_token(true);
    add("pretrain", "documents", documents, Unit::kCount);
    add("pretrain", "tokens at most", tokens, Unit::kCount);
    add("pretrain", "FLOPs at most", flops, Unit::kFlops);
    add("pretrain", "weights, gradients and optimiser",
        4.0 * sizeof(float) * static_cast<double>(config.parameter_count()), Unit::kBytes);
  }

  void plan_sft(double parameters) {
    const bool lora = recipe_.sft.mode == "lora";
    const auto batch = static_cast<double>(recipe_.sft.batch_size);
    const auto steps = static_cast<double>(recipe_.sft.steps);
    const double tokens = batch * (cost_.prompt + cost_.label);
    const double shared = template_ + batch * (cost_.prompt + cost_.label - template_);
    const double forward = shared * (cost_.config.flops_per_token(false) +
                                     cost_.attention_flops((cost_.prompt + cost_.label) / 2)) +
                           batch * cost_.label * cost_.vocabulary_flops();
    const double flops = (lora ? 2 : 3) * forward;
    const double trainable = lora ? lora_parameters(cost_.config, recipe_.sft) : parameters;
    const bool master = cost_.weight_bytes < 4 && !lora;  // float32 copy of bf16 weights
    const double optimizer = trainable * (8 + (master ? 4 : 0));
    add("sft", "samples", batch * steps, Unit::kCount);
    add("sft", "tokens a step", tokens, Unit::kCount);
    add("sft", "tokens a step, template shared", shared, Unit::kCount);
    add("sft", "trained parameters", trainable, Unit::kCount);
    add("sft", "FLOPs", flops * steps, Unit::kFlops);
    add_time("sft", flops * steps);
    add("sft", "optimiser memory a rank", optimizer / static_cast<double>(plan_.ranks),
        Unit::kBytes);
    add("sft", "gradient memory a rank", trainable * 4, Unit::kBytes);
    const double checkpoint = trainable * (lora ? 4 : cost_.weight_bytes) + optimizer;
    const double written = std::ceil(steps / static_cast<double>(recipe_.eval.every));
    const auto keep_last = static_cast<double>(recipe_.sft.keep_last);
    const double kept = keep_last > 0 ? std::min(written, keep_last + 1) : written;  // and the best
    add("sft", "a checkpoint", checkpoint, Unit::kBytes);
    add("sft", "checkpoints kept", checkpoint * kept, Unit::kBytes);
  }

  double nodes_a_context() const {
    if (plan_.searched_nodes > 0) return static_cast<double>(plan_.searched_nodes);
    if (recipe_.generate.mode == "greedy") return cost_.label;
    const double full = static_cast<double>(recipe_.cluster.clusters) * cost_.label;
    if (recipe_.generate.mode == "full") return full;
    return std::min(full, 8 + 6 * static_cast<double>(recipe_.generate.k));
  }

  // Those of a file are counted; how many users had is not known before curate has run.
  double contexts() const {
    const GenerateOptions& generate = recipe_.generate;
    const int64_t clusters = recipe_.cluster.clusters, size = recipe_.curate.context_size;
    if (generate.contexts == "all" || generate.contexts == "observed")
      return std::pow(static_cast<double>(clusters), static_cast<double>(size));
    return static_cast<double>(
        ContextList::listed(clusters, size, read_contexts(generate.contexts, size)).rows());
  }

  void plan_generate() {
    const auto clusters = static_cast<double>(recipe_.cluster.clusters);
    const double rows = contexts(), bands = std::min(rows, clusters);
    const double nodes = nodes_a_context();
    const double tokens = bands * (cost_.prompt - description_) + rows * (description_ + nodes);
    const double flops =
        tokens * (cost_.config.flops_per_token(false) + cost_.attention_flops(cost_.prompt)) +
        rows * (nodes + 1) * cost_.vocabulary_flops();
    const auto kept = static_cast<double>(recipe_.generate.k);
    const double label_bytes = clusters <= 65536 ? 2 : 4;
    const double key_value =
        2.0 * static_cast<double>(cost_.config.num_hidden_layers *
                                  cost_.config.num_key_value_heads * cost_.config.head_dim);
    add("generate", recipe_.generate.contexts == "observed" ? "contexts at most" : "contexts", rows,
        Unit::kCount);
    add("generate", "trie nodes a context", nodes, Unit::kCount);
    add("generate", "tokens", tokens, Unit::kCount);
    add("generate", "FLOPs", flops, Unit::kFlops);
    add_time("generate", flops);
    add("generate", "keys and values of a batch",
        key_value * cost_.weight_bytes *
            (cost_.prompt + static_cast<double>(recipe_.generate.batch) * (description_ + nodes)),
        Unit::kBytes);
    add("generate", "table", rows * kept * (label_bytes + kTableFloats), Unit::kBytes);
  }

  const Recipe& recipe_;
  const PlanOptions& plan_;
  Cost cost_;
  double context_ = 0, description_ = 0, template_ = 0;
  std::vector<Quantity> quantities_;
};

std::string quantity_text(const Quantity& quantity) {
  switch (quantity.unit) {
    case Unit::kBytes:
      return bytes_text(quantity.value);
    case Unit::kSeconds:
      return duration_text(quantity.value);
    case Unit::kFlops:
    case Unit::kCount:
      return count_text(quantity.value);
  }
  return {};
}

std::string joined(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::string> names;
  for (const auto& path : paths) names.push_back(path.string());
  return fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

std::vector<Quantity> plan_run(const Recipe& recipe) { return Planner(recipe).run(); }

std::string plan_text(const Recipe& recipe, const std::vector<Quantity>& quantities) {
  std::string text = fmt::format("run folder {}\n\n", recipe.folder().string());
  for (const StageSpec& spec : wanted_stages(recipe)) {
    const StagePaths paths = spec.paths(recipe);
    text += fmt::format("{}: {}\n", spec.command, spec.summary);
    if (!paths.inputs.empty()) text += fmt::format("  reads   {}\n", joined(paths.inputs));
    if (!paths.outputs.empty()) text += fmt::format("  writes  {}\n", joined(paths.outputs));
  }
  std::vector<std::vector<std::string>> rows;
  for (const Quantity& quantity : quantities) {
    const bool same =
        !rows.empty() && &quantity != quantities.data() && (&quantity - 1)->stage == quantity.stage;
    rows.push_back({same ? "" : quantity.stage, quantity.name, quantity_text(quantity)});
  }
  return text + "\n" + align_columns(rows, false);
}

nlohmann::ordered_json plan_json(const Recipe& recipe, const std::vector<Quantity>& quantities) {
  nlohmann::ordered_json plan = {{"folder", recipe.folder().string()},
                                 {"stages", nlohmann::ordered_json::array()}};
  for (const StageSpec& spec : wanted_stages(recipe)) {
    const StagePaths paths = spec.paths(recipe);
    plan["stages"].push_back(
        {{"name", spec.name}, {"reads", joined(paths.inputs)}, {"writes", joined(paths.outputs)}});
  }
  for (const Quantity& quantity : quantities) {
    std::string key = quantity.name;
    std::replace(key.begin(), key.end(), ' ', '_');
    std::erase(key, ',');
    plan[quantity.stage][key] = quantity.value;
  }
  return plan;
}

}  // namespace serendip
