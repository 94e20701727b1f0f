#include "kernels/token_cross_entropy.h"

#include "kernels/logits_row.h"

namespace serendip {
namespace {

// out[v] = scale · exp(logits[v] - max); in place where they are the same.
void scaled_exponentials(const float* logits, int64_t count, float max, float scale, float* out) {
  const int64_t whole = count / kVectorLanes * kVectorLanes;
  for (int64_t at = 0; at < whole; at += kVectorLanes)
    store_floats(scale * exp_nonpositive(load_floats(logits + at) - max), out + at);
  for (int64_t at = whole; at < count; ++at) out[at] = scale * std::exp(logits[at] - max);
}

template <typename T>
void narrow_row(const float* values, int64_t count, void* out) {
  std::transform(values, values + count, static_cast<T*>(out),
                 [](float value) { return from_float<T>(value); });
}

void run_row(const TokenCrossEntropyInput& input, int64_t row, std::vector<float>& wide,
             float* loss) {
  void* const matrix_row =
      const_cast<void*>(row_of(input.logits, input.type, row, input.vocabulary));
  const float* logits = widened(matrix_row, input.type, input.vocabulary, wide);
  const int64_t first = input.target_offset[row], last = input.target_offset[row + 1];
  const RowSum sum = row_sum(logits, input.vocabulary);
  float weight = 0;
  for (int64_t i = first; i < last; ++i) {
    loss[i] = sum.log() - logits[input.target[i]];
    weight += input.weight[i];
  }
  // A float32 row is its own buffer.
  float* gradient =
      input.type == FloatType::kFloat32 ? static_cast<float*>(matrix_row) : wide.data();
  scaled_exponentials(logits, input.vocabulary, sum.max, weight / sum.total, gradient);
  for (int64_t i = first; i < last; ++i) gradient[input.target[i]] -= input.weight[i];
  if (input.type == FloatType::kBFloat16)
    narrow_row<BFloat16>(gradient, input.vocabulary, matrix_row);
  if (input.type == FloatType::kFloat16)
    narrow_row<Float16>(gradient, input.vocabulary, matrix_row);
}

}  // namespace

void token_cross_entropy_cpu(const TokenCrossEntropyInput& input, float* loss) {
#pragma omp parallel
  {
    std::vector<float> wide;
#pragma omp for schedule(static)
    for (int64_t row = 0; row < input.rows; ++row) run_row(input, row, wide, loss);
  }
}

void token_cross_entropy_cpu(double* logits, const int64_t* target_offset, const int64_t* target,
                             const double* weight, int64_t rows, int64_t vocabulary, double* loss) {
#pragma omp parallel for schedule(static)
  for (int64_t row = 0; row < rows; ++row) {
    double* const values = logits + row * vocabulary;
    const double max = *std::max_element(values, values + vocabulary);
    double total = 0, row_weight = 0;
    for (int64_t v = 0; v < vocabulary; ++v) total += std::exp(values[v] - max);
    for (int64_t i = target_offset[row]; i < target_offset[row + 1]; ++i) {
      loss[i] = max + std::log(total) - values[target[i]];
      row_weight += weight[i];
    }
    for (int64_t v = 0; v < vocabulary; ++v)
      values[v] = row_weight * std::exp(values[v] - max) / total;
    for (int64_t i = target_offset[row]; i < target_offset[row + 1]; ++i)
      values[target[i]] -= weight[i];
  }
}

}  // namespace serendip
