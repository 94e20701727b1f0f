// Loss and gradients of a pack of samples, layer by layer: a layer's gradients are handed over as
// soon as they are complete, while those of the layers below are still to come, and a layer can be
// run again in the backward pass instead of keeping what it computed (Chen et al. 2016).
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

#include "lm/decoder.h"
#include "lm/named_tensors.h"
#include "train/packing.h"

namespace serendip {

// The tensors that training changes, in the order of a forward pass: the embedding (the head too
// where they are tied), each layer, then the final norm and an untied head. A part may have none.
struct TrainedTensors {
  std::vector<NamedTensors> parts;  // [layers + 2]

  size_t head() const { return parts.size() - 1; }
};

// Of a decoder with adapters these, else every weight; they then require gradients.
TrainedTensors trained_tensors(Decoder& decoder);

struct GradientOptions {
  bool recompute = false;  // keep each layer's input alone
  const LoraDropout* dropout = nullptr;
  int64_t logit_bytes = int64_t{64} << 20;  // of the rows that go through the vocabulary at once
};

// Gradients of a part's tensors, in their order.
using GradientSink = std::function<void(size_t part, const std::vector<torch::Tensor>& gradients)>;

// Returns Σ −log p(target) over all targets of the pack; the gradients are of `weight` times that.
// Calls `sink` once for every part that is trained, the last first. The logits of predicting nodes
// alone are computed, in chunks, each replaced by its gradient.
double sum_gradients(const Decoder& decoder, const TrainedTensors& trained,
                     const PackedSamples& packed, double weight, const GradientOptions& options,
                     const GradientSink& sink);

}  // namespace serendip
