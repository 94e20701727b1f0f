#include "train/sft.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/progress.h"
#include "base/random.h"
#include "clusters/tree.h"
#include "infer/language_model.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/measure.h"
#include "train/packing.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

struct Sets {
  TransitionSet sft, dev, test;
};

struct StepEvaluation {
  int64_t step;
  double loss, match_rate, sft_recall, dev_recall, test_recall;

  nlohmann::json json() const {
    return {{"step", step},
            {"loss", loss},
            {"match_rate", match_rate},
            {"sft_recall", sft_recall},
            {"dev_recall", dev_recall},
            {"test_recall", test_recall}};
  }
  static StepEvaluation from(const nlohmann::json& json) {
    return {json.at("step"),       json.at("loss"),       json.at("match_rate"),
            json.at("sft_recall"), json.at("dev_recall"), json.at("test_recall")};
  }
};

Sample to_sample(const InterestLanguage& language, const TransitionSet& set, int64_t t) {
  const int32_t* context = set.context_of(t);
  Sample sample{language.prompt({context, static_cast<size_t>(set.context_size)}),
                language.description_ids[static_cast<size_t>(set.label[static_cast<size_t>(t)])]};
  sample.labels.push_back(language.terminator);
  return sample;
}

// The samples of a step: consecutive places of a sequence of epochs, each shuffled by (seed,
// epoch).
std::vector<Sample> step_samples(const InterestLanguage& language, const TransitionSet& set,
                                 int64_t step, const SftOptions& options) {
  std::vector<Sample> samples;
  std::vector<int64_t> order;
  int64_t shuffled_epoch = -1;
  for (int64_t i = step * options.batch_size; i < (step + 1) * options.batch_size; ++i) {
    const int64_t epoch = i / set.size();
    if (epoch != shuffled_epoch) {
      order.resize(static_cast<size_t>(set.size()));
      std::iota(order.begin(), order.end(), int64_t{0});
      Random random(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(epoch));
      random.shuffle(order);
      shuffled_epoch = epoch;
    }
    samples.push_back(to_sample(language, set, order[static_cast<size_t>(i % set.size())]));
  }
  return samples;
}

// Rows repeated by their count: in the random control a count says how often a transition was
// drawn.
TransitionSet repeated(const TransitionSet& set) {
  TransitionSet rows;
  rows.context_size = set.context_size;
  for (int64_t t = 0; t < set.size(); ++t) {
    for (int64_t i = 0; i < set.count[static_cast<size_t>(t)]; ++i) {
      rows.context.insert(rows.context.end(), set.context_of(t),
                          set.context_of(t) + set.context_size);
      rows.label.push_back(set.label[static_cast<size_t>(t)]);
      rows.count.push_back(1);
    }
  }
  return rows;
}

LoraConfig lora_config(const SftOptions& options) {
  LoraConfig lora{options.lora_rank, options.lora_alpha, options.lora_dropout,
                  options.lora_targets};
  if (lora.target_modules == std::vector<std::string>{"all-linear"}) lora.target_modules.clear();
  return lora;
}

// What the optimiser changes.
NamedTensors trainable(Decoder& decoder, const SftOptions& options) {
  if (options.mode == "lora") return adapter_tensors(decoder);
  NamedTensors weights;
  decoder.for_each_weight(
      [&](const std::string& name, torch::Tensor& weight) { weights.emplace_back(name, weight); });
  return weights;
}

// One fine-tuning run: what a step needs, and the position.
class Run {
 public:
  Run(const ModelOptions& model, const SftOptions& options, const EvalOptions& eval, Sets sets,
      const std::vector<std::string>& descriptions, CheckpointFolder checkpoints)
      : base_(model.path),
        options_(options),
        eval_(eval),
        sets_(std::move(sets)),
        model_(open_language_model(model, model.path, descriptions)),
        checkpoints_(std::move(checkpoints)),
        optimizer_(prepare(), options.weight_decay) {
    SERENDIP_CHECK(model_.language.context_size() == sets_.sft.context_size,
                   "model.template: expected {} places for contexts of {}, got {}",
                   sets_.sft.context_size, sets_.sft.context_size, model_.language.context_size());
    contexts_ = sample_contexts(model_.language.cluster_count(), eval.match_contexts, sets_.sft,
                                static_cast<uint64_t>(eval.seed));
    resume();
  }

  int64_t step() const { return step_; }
  double loss() const { return loss_; }

  void train_step() {
    const PackedSamples packed = pack(step_samples(model_.language, sets_.sft, step_, options_));
    const LoraDropout dropout{options_.lora_dropout, static_cast<uint64_t>(options_.seed),
                              static_cast<uint64_t>(step_)};
    const torch::Tensor loss = summed_loss(model_.decoder, packed, &dropout) /
                               static_cast<double>(packed.target_token.size());
    loss.backward();
    optimizer_.step(scheduled_learning_rate(options_.schedule, options_.learning_rate, step_,
                                            options_.warmup_steps, options_.steps),
                    options_.clip_norm);
    loss_ = loss.item<double>();
    ++step_;
  }

  // Saves the position unless it is there already; older checkpoints lose their optimiser state.
  void save() {
    const std::vector<int64_t> before = checkpoints_.steps();
    if (std::count(before.begin(), before.end(), step_)) return;
    checkpoints_.save(step_, [&](const fs::path& folder) {
      if (options_.mode == "lora")
        save_adapter(model_.decoder, lora_config(options_), base_, folder);
      else
        save_decoder(model_.decoder, base_, folder);
      save_tensors(folder / "trainer" / "optimizer.safetensors", optimizer_.state());
      const nlohmann::json state = {{"step", step_}, {"loss", loss_}};
      write_file(folder / "trainer" / "state.json", state.dump() + "\n");
    });
    for (const int64_t number : before) fs::remove_all(checkpoints_.step(number) / "trainer");
  }

  // Of the step just saved; an earlier call's result is read back.
  StepEvaluation evaluate() {
    const fs::path path = checkpoints_.step(step_) / "evaluation.json";
    if (fs::exists(path)) return StepEvaluation::from(nlohmann::json::parse(read_file(path)));
    torch::NoGradGuard no_grad;
    const Decoder decoder = merge_lora(model_.decoder);
    const auto recall = [&](const TransitionSet& set) {
      return greedy_recall(decoder, model_, set, eval_.transitions,
                           static_cast<uint64_t>(eval_.seed));
    };
    const StepEvaluation result{step_,
                                loss_,
                                match_rate(decoder, model_, contexts_),
                                recall(sets_.sft),
                                recall(sets_.dev),
                                recall(sets_.test)};
    write_file(path, result.json().dump() + "\n");
    return result;
  }

  // Evaluations of all whole checkpoints, by step.
  std::vector<StepEvaluation> evaluations() const {
    std::vector<StepEvaluation> results;
    for (const int64_t number : checkpoints_.steps()) {
      const fs::path path = checkpoints_.step(number) / "evaluation.json";
      if (fs::exists(path))
        results.push_back(StepEvaluation::from(nlohmann::json::parse(read_file(path))));
    }
    return results;
  }

  void choose(int64_t step) const { checkpoints_.choose(step); }

 private:
  NamedTensors prepare() {
    if (options_.mode == "lora")
      add_lora(model_.decoder, lora_config(options_), static_cast<uint64_t>(options_.seed));
    return trainable(model_.decoder, options_);
  }

  void resume() {
    const std::vector<int64_t> steps = checkpoints_.steps();
    if (steps.empty()) return;
    const fs::path folder = checkpoints_.step(steps.back());
    load_tensors(
        folder / (options_.mode == "lora" ? "adapter_model.safetensors" : "model.safetensors"),
        trainable(model_.decoder, options_));
    load_tensors(folder / "trainer" / "optimizer.safetensors", optimizer_.state());
    const auto state = nlohmann::json::parse(read_file(folder / "trainer" / "state.json"));
    step_ = state.at("step");
    loss_ = state.at("loss");
    optimizer_.set_step_count(step_);
    spdlog::info("sft: goes on from step {}", step_);
  }

  fs::path base_;
  const SftOptions& options_;
  const EvalOptions& eval_;
  Sets sets_;
  LanguageModel model_;
  CheckpointFolder checkpoints_;
  AdamW optimizer_;
  std::vector<int32_t> contexts_;
  int64_t step_ = 0;
  double loss_ = 0;
};

// The rule of the header; -1 without evaluations.
int64_t best_step(const std::vector<StepEvaluation>& evaluations, double wanted_match_rate) {
  const auto rank = [&](const StepEvaluation& evaluation) {
    const bool matches = evaluation.match_rate >= wanted_match_rate;
    return std::pair(matches, matches ? evaluation.dev_recall : evaluation.match_rate);
  };
  const auto best = std::max_element(
      evaluations.begin(), evaluations.end(),
      [&](const StepEvaluation& a, const StepEvaluation& b) { return rank(a) < rank(b); });
  return best == evaluations.end() ? -1 : best->step;
}

std::string fingerprint(const ModelOptions& model, const SftOptions& options,
                        const fs::path& run_folder, const fs::path& set) {
  ModelOptions model_copy = model;
  SftOptions options_copy = options;
  OptionSet model_set("model"), sft_set("sft");
  model_copy.declare(model_set);
  options_copy.declare(sft_set);
  return hash_hex(model_set.canonical() + sft_set.canonical() + hash_path(run_folder / "tree.h5") +
                  hash_path(set) + hash_path(base_model_folder(model.path)));
}

}  // namespace

void SftOptions::declare(OptionSet& section) {
  section.add("mode", mode, "what is trained", one_of({"lora", "full"}));
  section.add("set", set, "the fine-tuning set", one_of({"balanced", "random"}));
  section.add("lora_rank", lora_rank, "rank of the adapters", at_least(int64_t{1}));
  section.add("lora_alpha", lora_alpha, "adapters are scaled by alpha / rank", above(0.0));
  section.add("lora_dropout", lora_dropout, "dropout on the adapters' inputs", within(0.0, 0.9));
  section.add("lora_targets", lora_targets, "adapted modules; all-linear for every one");
  section.add("steps", steps, "optimiser steps", at_least(int64_t{1}));
  section.add("batch_size", batch_size, "samples a step", at_least(int64_t{1}));
  section.add("learning_rate", learning_rate, "peak learning rate", above(0.0));
  section.add("warmup_steps", warmup_steps, "linear warm-up", at_least(int64_t{0}));
  section.add("schedule", schedule, "after the warm-up", one_of({"constant", "linear", "cosine"}));
  section.add("weight_decay", weight_decay, "decoupled weight decay", at_least(0.0));
  section.add("clip_norm", clip_norm, "bound of the gradient norm; 0: none", at_least(0.0));
  section.add("seed", seed, "of data order, adapters and dropout");
}

nlohmann::json sft(const ModelOptions& model, const SftOptions& options, const EvalOptions& eval,
                   const fs::path& run_folder) {
  SERENDIP_CHECK(model.dtype == "float32", "model.dtype: sft trains in float32, got {}",
                 model.dtype);
  SERENDIP_CHECK(model.device == "cpu", "model.device: sft trains on cpu, got {}", model.device);
  const ClusterTree tree = load_tree(run_folder / "tree.h5");
  const fs::path set = run_folder / fmt::format("sft_{}.jsonl", options.set);
  Sets sets{load_transition_set(set), load_transition_set(run_folder / "dev.jsonl"),
            load_transition_set(run_folder / "test.jsonl")};
  if (options.set == "random") sets.sft = repeated(sets.sft);
  SERENDIP_CHECK(sets.sft.size() > 0, "{}: no samples to fine-tune on", set.string());
  const int64_t samples = sets.sft.size();
  Run run(model, options, eval, std::move(sets), tree.planning().description,
          CheckpointFolder(run_folder / "sft", fingerprint(model, options, run_folder, set)));
  MetricsLog metrics(run_folder / "sft");
  Progress progress("sft", options.steps, "steps");
  progress.advance(run.step());
  double seconds = 0;
  const int64_t first_step = run.step();
  int64_t best = best_step(run.evaluations(), eval.match_rate), best_at = 0;
  const auto evaluate = [&] {
    run.save();
    const StepEvaluation evaluation = run.evaluate();
    metrics.write("sft", run.step(), evaluation.json());
    spdlog::info(
        "sft: step {} loss {:.3f} match rate {:.3f} recall sft {:.3f} dev {:.3f} test {:.3f}",
        run.step(), evaluation.loss, evaluation.match_rate, evaluation.sft_recall,
        evaluation.dev_recall, evaluation.test_recall);
    const int64_t now_best = best_step(run.evaluations(), eval.match_rate);
    best_at = now_best == best ? best_at + 1 : 0;
    best = now_best;
  };
  if (run.step() > 0 && run.step() % eval.every == 0) evaluate();
  while (run.step() < options.steps && (eval.patience == 0 || best_at < eval.patience)) {
    try {
      throw_if_interrupted();
    } catch (const Interrupted&) {
      run.save();
      throw;
    }
    const auto start = std::chrono::steady_clock::now();
    run.train_step();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    metrics.write("sft", run.step(), {{"loss", run.loss()}});
    progress.advance(1, fmt::format("loss {:.3f}", run.loss()));
    if (run.step() % eval.every == 0 || run.step() == options.steps) evaluate();
  }
  progress.finish();
  run.choose(best);
  nlohmann::json result = {{"steps", run.step()}, {"samples", samples}, {"best_step", best}};
  for (const StepEvaluation& evaluation : run.evaluations()) {
    result["curve"].push_back(evaluation.json());
    if (evaluation.step != best) continue;
    result["best_match_rate"] = evaluation.match_rate;
    result["best_dev_recall"] = evaluation.dev_recall;
  }
  if (run.step() > first_step)
    result["seconds_per_step"] = seconds / static_cast<double>(run.step() - first_step);
  return result;
}

}  // namespace serendip
