#include "train/pretrain.h"

#include <torch/utils.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/process.h"
#include "base/progress.h"
#include "distributed/process_group.h"
#include "lm/model_io.h"
#include "lm/new_llama.h"
#include "lm/sentencepiece_training.h"
#include "train/adamw.h"
#include "train/gradients.h"
#include "train/item_text.h"
#include "train/throughput.h"
#include "train/training_samples.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMeasuredAtOnce = 16;  // samples

struct StepResult {
  double loss = 0;  // a token
  double gradient_norm = 0, learning_rate = 0;
  double tokens = 0, flops = 0, seconds = 0;
};

// What a model makes of documents that it has not seen.
struct HeldOutText {
  double loss;           // nats a token
  double bits_per_byte;  // of the documents' bytes
};

// Σ −log p over the labels of a pack.
double loss_of(const Decoder& decoder, const PackedSamples& packed) {
  const torch::Tensor states = decoder.forward(packed.tree, 0, packed.tree.size());
  const torch::Tensor rows = torch::tensor(packed.predicting_nodes);
  const torch::Tensor log_prob =
      torch::log_softmax(decoder.logits(states.index_select(0, rows)), -1);
  const auto values = log_prob.accessor<float, 2>();
  double loss = 0;
  for (size_t row = 0; row < packed.predicting_nodes.size(); ++row)
    for (int64_t i = packed.target_offset[row]; i < packed.target_offset[row + 1]; ++i)
      loss -= values[static_cast<int64_t>(row)][packed.target_token[static_cast<size_t>(i)]];
  return loss;
}

HeldOutText measure(const Decoder& decoder, const std::vector<Sample>& samples,
                    const std::vector<std::string>& documents) {
  torch::NoGradGuard no_grad;
  double loss = 0, bytes = 0;
  for (const std::vector<Sample>& pass : own_passes(samples, 0, 1, kMeasuredAtOnce)) {
    throw_if_interrupted();
    loss += loss_of(decoder, pack(pass));
  }
  for (const std::string& document : documents) bytes += static_cast<double>(document.size());
  return {loss / static_cast<double>(label_tokens(samples)), loss / std::numbers::ln2 / bytes};
}

// The weights with their optimiser.
class Run {
 public:
  Run(Decoder& decoder, const PretrainOptions& options)
      : decoder_(decoder),
        options_(options),
        group_(LaunchInfo{}),
        trained_(trained_tensors(decoder)),
        buckets_(trained_, group_),
        optimizer_(buckets_, options.weight_decay) {}

  StepResult train_step(int64_t step, const std::vector<Sample>& samples) {
    const auto start = std::chrono::steady_clock::now();
    const auto labels = static_cast<double>(label_tokens(samples));
    const PackedSamples packed = pack(samples);
    StepResult result;
    result.loss = sum_gradients(decoder_, trained_, packed, 1 / labels, {},
                                [&](size_t part, const std::vector<torch::Tensor>& gradients) {
                                  buckets_.add(part, gradients, true, true);
                                }) /
                  labels;
    result.gradient_norm = buckets_.finish();
    SERENDIP_CHECK(std::isfinite(result.loss) && std::isfinite(result.gradient_norm),
                   "pretrain: step {}: loss {} and gradient norm {}; lower pretrain.learning_rate "
                   "or raise pretrain.warmup_steps",
                   step + 1, result.loss, result.gradient_norm);
    result.learning_rate = scheduled_learning_rate(options_.schedule, options_.learning_rate, step,
                                                   options_.warmup_steps, options_.steps);
    optimizer_.step(result.learning_rate, clip_factor(result.gradient_norm, options_.clip_norm));
    result.tokens = static_cast<double>(packed.tree.size());
    result.flops = training_flops(decoder_.config, packed, /*full=*/true, /*recompute=*/false);
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  Decoder& decoder_;
  const PretrainOptions& options_;
  ProcessGroup group_;
  TrainedTensors trained_;
  ParameterBuckets buckets_;
  AdamW optimizer_;
};

// Returns the last step's loss and the speed.
nlohmann::json train(Decoder& decoder, const std::vector<Sample>& samples,
                     const PretrainOptions& options, const fs::path& folder) {
  fs::remove_all(folder);
  MetricsLog metrics(folder, 0);
  Run run(decoder, options);
  const double gemm_rate = measure_gemm_rate(decoder.embed_tokens.options());
  StepResult sum, step;
  Progress progress("pretrain", options.steps, "steps");
  for (int64_t i = 0; i < options.steps; ++i) {
    throw_if_interrupted();
    step = run.train_step(
        i, samples_of_step(samples, static_cast<uint64_t>(options.seed), i, options.batch_size));
    sum.tokens += step.tokens;
    sum.flops += step.flops;
    sum.seconds += step.seconds;
    metrics.write("pretrain", i + 1,
                  {{"loss", step.loss},
                   {"gradient_norm", step.gradient_norm},
                   {"learning_rate", step.learning_rate},
                   {"tokens_per_second", step.tokens / step.seconds},
                   {"share_of_gemm_rate", step.flops / step.seconds / gemm_rate},
                   {"peak_memory", peak_memory_bytes()}});
    progress.advance(
        1, fmt::format("loss {:.3f}  {:.0f} tokens/s  {:.0f}% of GEMM rate", step.loss,
                       sum.tokens / sum.seconds, 100 * sum.flops / sum.seconds / gemm_rate));
  }
  return {{"loss", step.loss},
          {"seconds_per_step", sum.seconds / static_cast<double>(options.steps)},
          {"tokens_per_second", sum.tokens / sum.seconds},
          {"share_of_gemm_rate", sum.flops / sum.seconds / gemm_rate}};
}

// Fills the model's folder but for its weights. Returns the vocabulary.
std::unique_ptr<Tokenizer> begin_model(const PretrainOptions& options, const ItemText& text,
                                       const fs::path& folder) {
  write_file(folder / "tokenizer.model", train_sentencepiece(text.training, options.vocabulary));
  const int64_t pieces = load_tokenizer(folder)->vocabulary_size();
  save_llama_config(options.model_config(pieces), folder);
  return load_tokenizer(folder);
}

}  // namespace

nlohmann::json pretrain(const PretrainOptions& options, const fs::path& data,
                        const fs::path& run_folder) {
  SERENDIP_CHECK(options.steps > 0, "pretrain.steps: expected at least 1 to train a model, got {}",
                 options.steps);
  (void)options.model_config(options.vocabulary);  // refuses sizes before any work
  const ItemText text = item_text(load_dataset(data, /*with_embedding=*/false), data.string());
  nlohmann::json result;
  write_folder(run_folder / "base_model", [&](const fs::path& folder) {
    const std::unique_ptr<Tokenizer> tokenizer = begin_model(options, text, folder);
    Decoder decoder = new_decoder(load_model_config(folder), static_cast<uint64_t>(options.seed));
    const auto samples_of = [&](const std::vector<std::string>& documents) {
      return text_samples(*tokenizer, documents,
                          static_cast<int32_t>(decoder.config.eos_token_id.at(0)), options.context);
    };
    const std::vector<Sample> samples = samples_of(text.training);
    const std::vector<Sample> held_out = samples_of(text.held_out);
    spdlog::info("pretrain: {} parameters, {} pieces, {} documents of {} tokens",
                 decoder.config.parameter_count(), decoder.config.vocab_size, text.training.size(),
                 label_tokens(samples));
    const HeldOutText before = measure(decoder, held_out, text.held_out);
    result = train(decoder, samples, options, run_folder / "pretrain");
    const HeldOutText after = measure(decoder, held_out, text.held_out);
    spdlog::info("pretrain: held-out text: {:.3f} bits a byte, {:.3f} before", after.bits_per_byte,
                 before.bits_per_byte);
    save_decoder(decoder, folder, folder);
    result.update({{"parameters", decoder.config.parameter_count()},
                   {"pieces", decoder.config.vocab_size},
                   {"documents", text.training.size()},
                   {"held_out_documents", text.held_out.size()},
                   {"tokens", label_tokens(samples)},
                   {"steps", options.steps},
                   {"untrained_held_out_loss", before.loss},
                   {"untrained_held_out_bits_per_byte", before.bits_per_byte},
                   {"held_out_loss", after.loss},
                   {"held_out_bits_per_byte", after.bits_per_byte}});
  });
  return result;
}

}  // namespace serendip
