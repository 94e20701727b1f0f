#include "train/gradients.h"

#include <torch/autograd.h>
#include <torch/utils.h>

#include <algorithm>

#include "base/check.h"
#include "kernels/ops.h"
#include "lm/lora.h"

namespace serendip {
namespace {

using torch::Tensor;

// A part of the network between two detached states.
struct Stage {
  Tensor input, output;  // output: undefined until it is run with gradients
};

std::vector<Tensor> tensors_of(const NamedTensors& named) {
  std::vector<Tensor> tensors;
  for (const auto& [name, tensor] : named) tensors.push_back(tensor);
  return tensors;
}

// Backward through one stage: the gradient of its input (undefined where none is wanted), and those
// of its tensors.
std::pair<Tensor, std::vector<Tensor>> backward(const Stage& stage, const Tensor& grad_output,
                                                const NamedTensors& part) {
  std::vector<Tensor> inputs = tensors_of(part);
  const bool wants_input = stage.input.requires_grad();
  if (wants_input) inputs.push_back(stage.input);
  std::vector<Tensor> gradients = torch::autograd::grad({stage.output}, inputs, {grad_output});
  Tensor grad_input;
  if (wants_input) {
    grad_input = gradients.back();
    gradients.pop_back();
  }
  return {grad_input, gradients};
}

Tensor index_tensor(const std::vector<int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

// What comes behind the last layer: final norm, vocabulary projection and loss of predicting nodes.
class Head {
 public:
  Head(const Decoder& decoder, const PackedSamples& packed, double weight, int64_t logit_bytes)
      : decoder_(decoder), packed_(packed), weight_(weight) {
    const Tensor& matrix = decoder.lm_head;
    rows_at_once_ = std::max<int64_t>(1, logit_bytes / (matrix.size(0) * matrix.element_size()));
  }

  // `states`: [P, hidden] of the predicting nodes, normalised. Sets the gradient of the matrix too
  // where it is trained. Returns the gradient of the states.
  Tensor run(const Tensor& states) {
    torch::NoGradGuard no_grad;
    Tensor grad_states = torch::empty_like(states);
    for (int64_t begin = 0; begin < states.size(0); begin += rows_at_once_) {
      const int64_t rows = std::min(rows_at_once_, states.size(0) - begin);
      const Tensor chunk = states.narrow(0, begin, rows);
      const Tensor grad_logits = chunk_gradient(chunk, begin);
      Tensor grad_chunk = grad_states.narrow(0, begin, rows);
      torch::mm_out(grad_chunk, grad_logits, decoder_.lm_head);
      if (!decoder_.lm_head.requires_grad()) continue;
      if (grad_matrix_.defined())
        grad_matrix_.addmm_(grad_logits.t(), chunk);
      else
        grad_matrix_ = torch::mm(grad_logits.t(), chunk);
    }
    return grad_states;
  }

  double loss() const { return loss_; }
  const Tensor& grad_matrix() const { return grad_matrix_; }

 private:
  // [rows, vocabulary], of the logits before their soft cap.
  Tensor chunk_gradient(const Tensor& chunk, int64_t begin) {
    const double cap = decoder_.config.logit_softcap;
    Tensor logits = decoder_.logits(chunk);
    const Tensor slope = cap > 0 ? 1 - (logits / cap).square() : Tensor();
    const auto first = static_cast<size_t>(begin);
    const auto last = first + static_cast<size_t>(chunk.size(0));
    const int64_t base = packed_.target_offset[first];
    std::vector<int64_t> offset;
    for (size_t row = first; row <= last; ++row)
      offset.push_back(packed_.target_offset[row] - base);
    const std::vector<int64_t> target(packed_.target_token.begin() + base,
                                      packed_.target_token.begin() + base + offset.back());
    const torch::Device device = chunk.device();
    const auto type = chunk.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
    const Tensor weight = torch::full({offset.back()}, weight_, chunk.options().dtype(type));
    loss_ += token_cross_entropy_(logits, index_tensor(offset, device),
                                  index_tensor(target, device), weight)
                 .sum(torch::kFloat64)
                 .item<double>();
    return cap > 0 ? logits.mul_(slope) : logits;
  }

  const Decoder& decoder_;
  const PackedSamples& packed_;
  double weight_, loss_ = 0;
  int64_t rows_at_once_;
  Tensor grad_matrix_;
};

}  // namespace

TrainedTensors trained_tensors(Decoder& decoder) {
  const size_t layers = decoder.layers.size();
  TrainedTensors trained{std::vector<NamedTensors>(layers + 2)};
  const auto add = [&](const std::string& name, Tensor& tensor) {
    tensor.requires_grad_(true);
    const size_t begin = name.find("layers.");
    const size_t part = begin != std::string::npos ? 1 + std::stoul(name.substr(begin + 7))
                        : name == "model.embed_tokens.weight" ? 0
                                                              : layers + 1;
    trained.parts[part].emplace_back(name, tensor);
  };
  NamedTensors adapters = adapter_tensors(decoder);
  for (auto& [name, tensor] : adapters) add(name, tensor);
  if (adapters.empty()) decoder.for_each_weight(add);
  return trained;
}

double sum_gradients(const Decoder& decoder, const TrainedTensors& trained,
                     const PackedSamples& packed, double weight, const GradientOptions& options,
                     const GradientSink& sink) {
  const size_t layers = decoder.layers.size();
  SERENDIP_CHECK(trained.parts.size() == layers + 2, "gradients: expected {} parts, got {}",
                 layers + 2, trained.parts.size());
  const DecoderPass pass(decoder, packed.tree, 0, packed.tree.size(), nullptr, options.dropout);
  const bool trains_embedding = !trained.parts[0].empty();
  std::vector<Stage> stages(layers);
  Tensor state;
  {
    torch::NoGradGuard no_grad;
    state = pass.embed();
  }
  bool differentiable = trains_embedding;
  const auto run = [&](size_t i) { stages[i].output = pass.layer(i, stages[i].input); };
  for (size_t i = 0; i < layers; ++i) {
    // Below the first trained tensor nothing needs a gradient.
    stages[i].input = state.detach().requires_grad_(differentiable);
    differentiable = differentiable || !trained.parts[1 + i].empty();
    if (options.recompute || !differentiable) {
      torch::NoGradGuard no_grad;
      state = pass.layer(i, stages[i].input);
    } else {
      run(i);
      state = stages[i].output;
    }
  }

  const Tensor rows = index_tensor(packed.predicting_nodes, state.device());
  Stage last{state.detach().index_select(0, rows).requires_grad_(differentiable), {}};
  last.output = pass.final_norm(last.input);
  Head head(decoder, packed, weight, options.logit_bytes);
  const Tensor grad_states = head.run(last.output.detach());
  const bool tied = decoder.config.tie_word_embeddings;
  NamedTensors norm = trained.parts[trained.head()];
  if (!norm.empty() && !tied) norm.pop_back();  // lm_head, which is behind the norm
  auto [grad_rows, grad_head] = backward(last, grad_states, norm);
  if (!trained.parts[trained.head()].empty()) {
    if (!tied) grad_head.push_back(head.grad_matrix());
    sink(trained.head(), grad_head);
  }

  Tensor grad = torch::zeros_like(state).index_copy_(0, rows, grad_rows);
  for (size_t i = layers; i-- > 0;) {
    if (!stages[i].input.requires_grad() && trained.parts[1 + i].empty()) break;
    if (options.recompute) run(i);
    auto [grad_input, gradients] = backward(stages[i], grad, trained.parts[1 + i]);
    stages[i] = {};
    if (!trained.parts[1 + i].empty()) sink(1 + i, gradients);
    grad = grad_input;
  }
  if (trains_embedding) {
    torch::NoGradGuard no_grad;
    Tensor grad_matrix = tied ? head.grad_matrix() : torch::zeros_like(decoder.embed_tokens);
    const Tensor scale = torch::tensor(decoder.config.embedding_scale, grad.scalar_type());
    grad_matrix.index_add_(0, pass.tokens(), grad, scale.item());
    sink(0, {grad_matrix});
  }
  return head.loss();
}

}  // namespace serendip
