#include "recsys/initial_weights.h"

#include <torch/utils.h>

#include "base/random.h"

namespace serendip {

void draw_weights(torch::nn::Module& module, uint64_t seed,
                  const std::function<double(const at::Tensor&)>& deviation) {
  torch::NoGradGuard no_gradients;
  uint64_t stream = 0;
  for (const auto& entry : module.named_parameters()) {
    at::Tensor parameter = entry.value();
    if (parameter.dim() < 2) {
      if (entry.key().ends_with("bias")) parameter.zero_();
      continue;
    }
    Random random(seed, stream++);
    const double scale = deviation(parameter);
    at::Tensor values = at::empty(parameter.sizes(), at::kFloat);
    float* target = values.data_ptr<float>();
    for (int64_t at = 0; at < values.numel(); ++at)
      target[at] = static_cast<float>(scale * random.normal());
    parameter.copy_(values);
  }
}

}  // namespace serendip
