#include "train/parameter_buckets.h"

#include <torch/utils.h>

#include <cmath>

#include "base/check.h"

namespace serendip {

using torch::Tensor;

NamedTensors ParameterBucket::named(const std::string& prefix, const Tensor& flat) const {
  NamedTensors values;
  int64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    values.emplace_back(prefix + name, flat.narrow(0, at, tensor.numel()).view(tensor.sizes()));
    at += tensor.numel();
  }
  return values;
}

ParameterBuckets::ParameterBuckets(const TrainedTensors& trained, ProcessGroup& group)
    : group_(group), bucket_of_(trained.parts.size()) {
  torch::NoGradGuard no_grad;
  for (size_t part = 0; part < trained.parts.size(); ++part) {
    bucket_of_[part] = buckets_.size();
    if (trained.parts[part].empty()) continue;
    ParameterBucket bucket{trained.parts[part], {}, {}, {}};
    int64_t size = 0;
    for (const auto& [name, tensor] : bucket.tensors) size += tensor.numel();
    const int64_t padded =
        (size + group.world_size() - 1) / group.world_size() * group.world_size();
    const torch::TensorOptions options = bucket.tensors[0].second.options().requires_grad(false);
    bucket.weights = torch::zeros({padded}, options);
    const bool narrow = c10::isReducedFloatingType(bucket.weights.scalar_type());
    bucket.gradient = torch::zeros({padded}, narrow ? options.dtype(torch::kFloat32) : options);
    const NamedTensors places = bucket.named("", bucket.weights);
    for (size_t i = 0; i < places.size(); ++i) {
      places[i].second.copy_(bucket.tensors[i].second);
      bucket.tensors[i].second.set_data(places[i].second);
    }
    buckets_.push_back(std::move(bucket));
  }
}

Tensor ParameterBuckets::slice(const Tensor& flat) const {
  const int64_t size = flat.numel() / group_.world_size();
  return flat.narrow(0, group_.rank() * size, size);
}

void ParameterBuckets::add(size_t part, const std::vector<Tensor>& gradients, bool first,
                           bool last) {
  torch::NoGradGuard no_grad;
  ParameterBucket& bucket = buckets_[bucket_of_[part]];
  const NamedTensors places = bucket.named("", bucket.gradient);
  SERENDIP_CHECK(gradients.size() == places.size(), "gradients: expected {} tensors, got {}",
                 places.size(), gradients.size());
  for (size_t i = 0; i < places.size(); ++i) {
    Tensor place = places[i].second;
    first ? place.copy_(gradients[i]) : place.add_(gradients[i]);
  }
  if (last) bucket.sum = group_.start_all_reduce_sum(bucket.gradient);
}

void ParameterBuckets::add_nothing() {
  // In the order in which the others' backward passes end.
  for (size_t i = buckets_.size(); i-- > 0;) {
    buckets_[i].gradient.zero_();
    buckets_[i].sum = group_.start_all_reduce_sum(buckets_[i].gradient);
  }
}

double ParameterBuckets::finish() {
  double squares = 0;
  for (size_t i = buckets_.size(); i-- > 0;) {
    buckets_[i].sum.wait();
    squares += std::pow(torch::linalg_vector_norm(buckets_[i].gradient).item<double>(), 2);
  }
  return std::sqrt(squares);
}

void ParameterBuckets::gather_weights() {
  for (const ParameterBucket& bucket : buckets_) group_.all_gather(bucket.weights);
}

}  // namespace serendip
