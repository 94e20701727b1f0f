#include "train/sft.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/progress.h"
#include "clusters/tree.h"
#include "distributed/device.h"
#include "distributed/process_group.h"
#include "infer/language_model.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/gradients.h"
#include "train/learning_curve.h"
#include "train/step_evaluation.h"
#include "train/throughput.h"
#include "train/training_samples.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

LoraConfig lora_config(const SftOptions& options) {
  LoraConfig lora{options.lora_rank, options.lora_alpha, options.lora_dropout,
                  options.lora_targets};
  if (lora.target_modules == std::vector<std::string>{"all-linear"}) lora.target_modules.clear();
  return lora;
}

// What a step was, over all processes.
struct StepResult {
  double loss = 0;  // a label token
  double gradient_norm = 0, learning_rate = 0;
  double tokens = 0, flops = 0;  // computed: shared ones once
  double seconds = 0;
  bool interrupted = false;
};

// A model being fine-tuned: weights, optimiser and position. With sft.mode=lora the decoder has its
// adapters.
class Run {
 public:
  Run(LanguageModel& model, const fs::path& base, const SftOptions& options, ProcessGroup& group)
      : base_(base),
        options_(options),
        group_(group),
        model_(model),
        trained_(trained_tensors(model.decoder)),
        buckets_(trained_, group),
        optimizer_(buckets_, options.weight_decay) {}

  int64_t step() const { return step_; }
  double loss() const { return loss_; }

  StepResult train_step(const std::vector<Sample>& samples) {
    const auto start = Clock::now();
    StepResult result;
    const double loss = sum_step_gradients(samples, result);
    // Whoever was told to stop, all stop after the same step.
    at::Tensor sums =
        torch::tensor({loss, result.tokens, result.flops, interrupted() ? 1.0 : 0.0}, at::kDouble);
    group_.all_reduce_sum(sums);
    const auto* sum = sums.const_data_ptr<double>();
    result.loss = sum[0] / static_cast<double>(label_tokens(samples));
    result.tokens = sum[1];
    result.flops = sum[2];
    result.interrupted = sum[3] > 0;
    result.gradient_norm = buckets_.finish();
    check_finite(result, samples);
    result.learning_rate = scheduled_learning_rate(options_.schedule, options_.learning_rate, step_,
                                                   options_.warmup_steps, options_.steps);
    optimizer_.step(result.learning_rate, clip_factor(result.gradient_norm, options_.clip_norm));
    loss_ = result.loss;
    ++step_;
    result.seconds = seconds_since(start);
    return result;
  }

  // All processes call it; the first writes.
  void save(const CheckpointFolder& checkpoints) {
    const NamedTensors state = optimizer_.state();
    if (group_.rank() != 0) return;
    checkpoints.save(step_, [&](const fs::path& folder) {
      if (options_.mode == "lora")
        save_adapter(model_.decoder, lora_config(options_), base_, folder);
      else
        save_decoder(model_.decoder, base_, folder, {model_.decoder.embed_tokens.scalar_type()});
      save_tensors(folder / "trainer" / "optimizer.safetensors", state);
      const nlohmann::json position = {{"step", step_}, {"loss", loss_}};
      write_file(folder / "trainer" / "state.json", position.dump() + "\n");
    });
  }

  // From a checkpoint of `save`, whose weights the model has.
  void resume(const fs::path& folder) {
    const auto position = nlohmann::json::parse(read_file(folder / "trainer" / "state.json"));
    step_ = position.at("step");
    loss_ = position.at("loss");
    optimizer_.load_state(folder / "trainer" / "optimizer.safetensors", step_);
  }

 private:
  // Of this process's samples, in one pass or several; divided by the label tokens of the whole
  // step. Returns the loss summed over label tokens; adds to tokens and FLOPs.
  double sum_step_gradients(const std::vector<Sample>& samples, StepResult& result) {
    const LoraDropout dropout{options_.lora_dropout, static_cast<uint64_t>(options_.seed),
                              static_cast<uint64_t>(step_)};
    const GradientOptions options{options_.recompute, &dropout};
    const auto passes =
        own_passes(samples, group_.rank(), group_.world_size(), options_.micro_batch_size);
    if (passes.empty()) buckets_.add_nothing();
    double loss = 0;
    for (size_t i = 0; i < passes.size(); ++i) {
      const PackedSamples packed = pack(passes[i]);
      loss += sum_gradients(model_.decoder, trained_, packed,
                            1 / static_cast<double>(label_tokens(samples)), options,
                            [&](size_t part, const std::vector<torch::Tensor>& gradients) {
                              buckets_.add(part, gradients, i == 0, i + 1 == passes.size());
                            });
      result.tokens += static_cast<double>(packed.tree.size());
      result.flops += training_flops(model_.decoder.config, packed, options_.mode == "full",
                                     options_.recompute);
    }
    return loss;
  }

  // Before the update: the weights stay what the last good step left.
  void check_finite(const StepResult& result, const std::vector<Sample>& samples) const {
    if (std::isfinite(result.loss) && std::isfinite(result.gradient_norm)) return;
    std::vector<std::string> labels;
    for (const Sample& sample : samples) {
      const std::vector<int32_t> ids(sample.labels.begin(), sample.labels.end() - 1);
      labels.push_back(model_.tokenizer->decode(ids));
    }
    fail(
        "sft: step {}: loss {} and gradient norm {}; the samples' labels: {}. The checkpoints "
        "before it are kept; lower sft.learning_rate or raise sft.warmup_steps",
        step_ + 1, result.loss, result.gradient_norm, fmt::join(labels, "; "));
  }

  fs::path base_;
  const SftOptions& options_;
  ProcessGroup& group_;
  LanguageModel& model_;
  TrainedTensors trained_;
  ParameterBuckets buckets_;
  AdamW optimizer_;
  int64_t step_ = 0;
  double loss_ = 0;
};

std::string fingerprint(const ModelOptions& model, const SftOptions& options,
                        const fs::path& run_folder, const fs::path& set) {
  ModelOptions model_copy = model;
  SftOptions options_copy = options;
  options_copy.keep_last = SftOptions().keep_last;  // changes no weight
  OptionSet model_set("model"), sft_set("sft");
  model_copy.declare(model_set);
  options_copy.declare(sft_set);
  return hash_hex(model_set.canonical() + sft_set.canonical() + hash_path(run_folder / "tree.h5") +
                  hash_path(set) + hash_path(base_model_folder(model.path)));
}

void log_evaluation(const StepEvaluation& evaluation, double training_seconds) {
  spdlog::info(
      "sft: step {} loss {:.3f} match rate {:.3f} recall@10 sft {:.3f} dev {:.3f} test {:.3f} "
      "dev NLL {:.3f} ({:.0f} s; the steps before it {:.0f} s)",
      evaluation.step, evaluation.loss, evaluation.match_rate, evaluation.sft.all.recall_at_10,
      evaluation.dev.all.recall_at_10, evaluation.test.all.recall_at_10, evaluation.dev.all.nll,
      evaluation.seconds, training_seconds);
}

// The evaluations so far and what follows from them.
class Selection {
 public:
  Selection(const CheckpointFolder& checkpoints, const EvalOptions& options) : options_(options) {
    for (const nlohmann::json& evaluation : checkpoints.evaluations())
      add(StepEvaluation::from(evaluation));
  }

  void add(const StepEvaluation& evaluation) {
    all_.push_back(evaluation);
    const int64_t best = best_step(all_, options_);
    without_better_ = best == best_ ? without_better_ + 1 : 0;
    best_ = best;
  }
  bool has(int64_t step) const {
    return std::any_of(all_.begin(), all_.end(),
                       [&](const StepEvaluation& evaluation) { return evaluation.step == step; });
  }
  int64_t best() const { return best_; }
  bool out_of_patience() const {
    return options_.patience > 0 && without_better_ >= options_.patience;
  }
  const std::vector<StepEvaluation>& all() const { return all_; }

 private:
  const EvalOptions& options_;
  std::vector<StepEvaluation> all_;
  int64_t best_ = -1, without_better_ = 0;
};

std::vector<nlohmann::json> curve_of(const Selection& selection) {
  std::vector<nlohmann::json> curve;
  for (const StepEvaluation& evaluation : selection.all()) {
    curve.push_back(evaluation.flat());
    curve.back()["step"] = evaluation.step;
  }
  return curve;
}

nlohmann::json result_of(const Selection& selection, int64_t steps) {
  nlohmann::json result = {
      {"steps", steps}, {"best_step", selection.best()}, {"curve", curve_of(selection)}};
  double seconds = 0;
  for (const StepEvaluation& evaluation : selection.all()) {
    seconds += evaluation.seconds;
    if (evaluation.step != selection.best()) continue;
    result["best_match_rate"] = evaluation.match_rate;
    result["best_dev_recall"] = evaluation.dev.all.recall_at_10;
    result["best_test_recall"] = evaluation.test.all.recall_at_10;
  }
  result["evaluation_seconds"] = seconds;
  return result;
}

}  // namespace

void SftOptions::declare(OptionSet& section) {
  section.add("mode", mode, "what is trained", one_of({"lora", "full"}));
  section.add("set", set, "the fine-tuning set", one_of({"balanced", "random"}));
  section.add("lora_rank", lora_rank, "rank of the adapters", at_least(int64_t{1}));
  section.add("lora_alpha", lora_alpha, "adapters are scaled by alpha / rank", above(0.0));
  section.add("lora_dropout", lora_dropout, "dropout on the adapters' inputs", within(0.0, 0.9));
  section.add("lora_targets", lora_targets, "adapted modules; all-linear for every one");
  section.add("steps", steps, "optimiser steps; 0: `run` leaves out the language model",
              at_least(int64_t{0}));
  section.add("batch_size", batch_size, "samples a step, over all processes", at_least(int64_t{1}));
  section.add("micro_batch_size", micro_batch_size,
              "samples a pass; gradients are accumulated; 0: all of a step", at_least(int64_t{0}));
  section.add("recompute", recompute, "run layers again in the backward pass to save memory");
  section.add("learning_rate", learning_rate, "peak learning rate", above(0.0));
  section.add("warmup_steps", warmup_steps, "linear warm-up", at_least(int64_t{0}));
  section.add("schedule", schedule, "after the warm-up", one_of({"constant", "linear", "cosine"}));
  section.add("weight_decay", weight_decay, "decoupled weight decay", at_least(0.0));
  section.add("clip_norm", clip_norm, "bound of the gradient norm; 0: none", at_least(0.0));
  section.add("too_long", too_long, "samples beyond the model's context",
              one_of({"refuse", "skip"}));
  section.add("keep_last", keep_last, "checkpoints kept beside the best; 0: all",
              at_least(int64_t{0}));
  section.add("seed", seed, "of data order, adapters and dropout");
}

nlohmann::json sft(const ModelOptions& model_options, const SftOptions& options,
                   const EvalOptions& eval, const fs::path& run_folder) {
  SERENDIP_CHECK(options.steps > 0, "sft.steps: expected at least 1 to train a model, got {}",
                 options.steps);
  SERENDIP_CHECK(model_options.dtype != "float16",
                 "model.dtype: sft trains in float32 or bfloat16, got float16");
  ProcessGroup group(launch_info(), open_device(model_options.device, "model.device"));
  const bool writes = group.rank() == 0;
  if (!writes) log_warnings_only();
  const ClusterTree tree = load_tree(run_folder / "tree.h5");
  const fs::path set = run_folder / fmt::format("sft_{}.jsonl", options.set);
  const StepEvaluator::Sets sets{load_transition_set(set),
                                 load_transition_set(run_folder / "dev.jsonl"),
                                 load_transition_set(run_folder / "test.jsonl"),
                                 load_transitions(run_folder / "transitions.h5").all};
  const std::string owner = fingerprint(model_options, options, run_folder, set);
  if (!writes) group.barrier();  // the first process makes the folder
  const CheckpointFolder checkpoints(run_folder / "sft", owner);
  if (writes) group.barrier();

  const int64_t saved = checkpoints.last_resumable();
  LanguageModel model = open_language_model(
      model_options, saved < 0 ? fs::path(model_options.path) : checkpoints.step(saved),
      tree.planning().description);
  if (options.mode == "lora" && saved < 0)
    add_lora(model.decoder, lora_config(options), static_cast<uint64_t>(options.seed));
  TransitionSet trained = sets.sft;
  if (options.set == "balanced")  // repeated by their counts, popular labels would outweigh others
    std::fill(trained.count.begin(), trained.count.end(), 1);
  const TrainingSamples samples(
      model.language, trained, model.decoder.config.max_position_embeddings,
      options.too_long == "skip", static_cast<uint64_t>(options.seed), set.string());
  StepEvaluator evaluator(sets, model.language.cluster_count(), eval, group);
  Run run(model, model_options.path, options, group);
  if (saved >= 0) {
    run.resume(checkpoints.step(saved));
    spdlog::info("sft: goes on from step {}", saved);
  }
  Selection selection(checkpoints, eval);
  group.barrier();  // all have read before the first writes
  const auto choose = [&] {
    const int64_t best = selection.best();
    if (writes && best >= 0 && fs::exists(checkpoints.step(best))) checkpoints.choose(best);
  };
  choose();  // eval.choose may have changed since
  const double gemm_rate = measure_gemm_rate(model.decoder.embed_tokens.options()) *
                           static_cast<double>(group.world_size());
  std::optional<MetricsLog> metrics;
  if (writes) metrics.emplace(run_folder / "sft", std::max<int64_t>(0, saved));
  const auto log = [&](const nlohmann::json& values) {
    if (metrics) metrics->write("sft", run.step(), values);
  };

  double seconds = 0, tokens = 0, flops = 0, since_evaluation = 0;
  const int64_t first_step = run.step();
  const auto evaluate = [&] {
    if (run.step() != saved) run.save(checkpoints);
    StepEvaluation evaluation = evaluator.run(merge_lora(model.decoder), model);
    evaluation.step = run.step();
    evaluation.loss = run.loss();
    selection.add(evaluation);
    if (!writes) return;
    checkpoints.save_evaluation(evaluation.step, evaluation.json());
    choose();
    checkpoints.prune(options.keep_last, selection.best());
    save_learning_curve(curve_of(selection), evaluator.baselines(),
                        run_folder / "sft/figure_4a.svg");
    log(evaluation.flat());
    log_evaluation(evaluation, since_evaluation);
    since_evaluation = 0;
  };
  const auto is_evaluated = [&] {
    return run.step() % eval.every == 0 || run.step() == options.steps;
  };
  if (run.step() > 0 && is_evaluated() && !selection.has(run.step())) evaluate();

  Progress progress("sft", options.steps, "steps");
  progress.advance(run.step());
  while (run.step() < options.steps && !selection.out_of_patience()) {
    const StepResult step = run.train_step(samples.step(run.step(), options.batch_size));
    seconds += step.seconds;
    since_evaluation += step.seconds;
    tokens += step.tokens;
    flops += step.flops;
    const MemoryUse memory = memory_use(model.decoder.embed_tokens.device());
    log({{"loss", step.loss},
         {"gradient_norm", step.gradient_norm},
         {"learning_rate", step.learning_rate},
         {"seconds", step.seconds},
         {"tokens_per_second", step.tokens / step.seconds},
         {"share_of_gemm_rate", step.flops / step.seconds / gemm_rate},
         {"memory", memory.now},
         {"peak_memory", memory.peak}});
    progress.advance(1, fmt::format("loss {:.3f}  {:.0f} tokens/s  {:.0f}% of GEMM rate  {:.1f} GB",
                                    step.loss, tokens / seconds, 100 * flops / seconds / gemm_rate,
                                    static_cast<double>(memory.now) * 1e-9));
    if (step.interrupted) {
      run.save(checkpoints);
      throw_interrupted();
    }
    if (is_evaluated()) evaluate();
  }
  progress.finish();

  nlohmann::json result = result_of(selection, run.step());
  result["samples"] = samples.size();
  result["samples_skipped"] = samples.skipped();
  result["baselines"] = evaluator.baselines();
  if (run.step() > first_step) {
    result["seconds_per_step"] = seconds / static_cast<double>(run.step() - first_step);
    result["tokens_per_second"] = tokens / seconds;
    result["share_of_gemm_rate"] = flops / seconds / gemm_rate;
  }
  group.barrier();
  return result;
}

}  // namespace serendip
