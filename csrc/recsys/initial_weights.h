// Weights before training, from a seed alone.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>

namespace serendip {

// Matrices normal with the deviation given for each, biases zero; other vectors (the norms' scales)
// stay as Torch sets them. Parameter by parameter, each from a stream of its own.
void draw_weights(torch::nn::Module& module, uint64_t seed,
                  const std::function<double(const at::Tensor&)>& deviation);

}  // namespace serendip
