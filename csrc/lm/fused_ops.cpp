#include "lm/fused_ops.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include <cmath>

#include "kernels/vector_math.h"

namespace serendip {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kValuesPerTask = 8192;

bool is_fused(const Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64);
}

// Calls `visit(begin, end)` with ranges of rows of this width, over threads.
template <typename Visit>
void over_rows(int64_t rows, int64_t width, const Visit& visit) {
  at::parallel_for(0, rows, std::max<int64_t>(1, kValuesPerTask / width), visit);
}

// RMSNorm. With s = 1/√(mean(x²) + ε) and w the scale: y = s·w·x and
// dx = s·(w·dy) − x·s³/n·Σ w·dy·x, dw = Σ_rows s·x·dy.

template <typename T>
struct NormRow {
  const T* x;
  const T* weight;
  int64_t size;
  T epsilon, one;

  T inverse_root() const {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < size; ++i) sum += x[i] * x[i];
    return 1 / std::sqrt(sum / static_cast<T>(size) + epsilon);
  }

  void forward(T* out) const {
    const T scale = inverse_root();
#pragma omp simd
    for (int64_t i = 0; i < size; ++i) out[i] = x[i] * scale * (one + weight[i]);
  }

  void backward(const T* grad, T* grad_x) const {
    const T scale = inverse_root();
    T dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t i = 0; i < size; ++i) dot += grad[i] * (one + weight[i]) * x[i];
    const T back = dot * scale * scale * scale / static_cast<T>(size);
#pragma omp simd
    for (int64_t i = 0; i < size; ++i)
      grad_x[i] = scale * (one + weight[i]) * grad[i] - back * x[i];
  }

  void add_weight_gradient(const T* grad, T* sum) const {
    const T scale = inverse_root();
#pragma omp simd
    for (int64_t i = 0; i < size; ++i) sum[i] += grad[i] * x[i] * scale;
  }
};

class RmsNorm : public Function<RmsNorm> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x_, const Variable& weight_,
                          double epsilon, bool adds_one) {
    const Tensor x = x_.contiguous(), weight = weight_.contiguous();
    Tensor out = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
      auto* to = out.mutable_data_ptr<scalar_t>();
      each_row<scalar_t>(x, weight, epsilon, adds_one,
                         [&](int64_t at, const auto& row) { row.forward(to + at); });
    });
    context->save_for_backward({x, weight});
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["adds_one"] = adds_one;
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor grad = grads[0].contiguous();
    const double epsilon = context->saved_data["epsilon"].toDouble();
    const bool adds_one = context->saved_data["adds_one"].toBool();
    Tensor grad_x = torch::empty_like(x), grad_weight;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm_backward", [&] {
      const auto* from = grad.const_data_ptr<scalar_t>();
      auto* to = grad_x.mutable_data_ptr<scalar_t>();
      each_row<scalar_t>(x, weight, epsilon, adds_one,
                         [&](int64_t at, const auto& row) { row.backward(from + at, to + at); });
      if (context->needs_input_grad(1))
        grad_weight = weight_gradient<scalar_t>(x, weight, epsilon, adds_one, from);
    });
    return {grad_x, grad_weight, Variable(), Variable()};
  }

 private:
  // Calls `visit(offset of the row, row)` over threads.
  template <typename T, typename Visit>
  static void each_row(const Tensor& x, const Tensor& weight, double epsilon, bool adds_one,
                       const Visit& visit) {
    const int64_t size = x.size(-1);
    const T* values = x.const_data_ptr<T>();
    const T* scales = weight.const_data_ptr<T>();
    over_rows(x.numel() / size, size, [&](int64_t begin, int64_t end) {
      for (int64_t at = begin * size; at < end * size; at += size)
        visit(at, NormRow<T>{values + at, scales, size, static_cast<T>(epsilon),
                             static_cast<T>(adds_one ? 1 : 0)});
    });
  }

  // Rows in blocks of a fixed size, whose sums are then added in their order: the same bits for any
  // number of threads.
  template <typename T>
  static Tensor weight_gradient(const Tensor& x, const Tensor& weight, double epsilon,
                                bool adds_one, const T* grad) {
    constexpr int64_t kBlock = 64;
    const int64_t size = x.size(-1), rows = x.numel() / size;
    const int64_t blocks = (rows + kBlock - 1) / kBlock;
    Tensor sums = torch::zeros({blocks, size}, x.options());
    T* to = sums.mutable_data_ptr<T>();
    const T* values = x.const_data_ptr<T>();
    const T* scales = weight.const_data_ptr<T>();
    at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        for (int64_t row = block * kBlock; row < std::min(rows, (block + 1) * kBlock); ++row)
          NormRow<T>{values + row * size, scales, size, static_cast<T>(epsilon),
                     static_cast<T>(adds_one ? 1 : 0)}
              .add_weight_gradient(grad + row * size, to + block * size);
      }
    });
    return sums.sum(0);
  }
};

Tensor composed_rms_norm(const Tensor& x, const Tensor& weight, double epsilon, bool adds_one) {
  const auto dtype = x.scalar_type();
  const Tensor wide = c10::isReducedFloatingType(dtype) ? x.to(torch::kFloat32) : x;
  const Tensor scaled = wide * torch::rsqrt(wide.square().mean(-1, /*keepdim=*/true) + epsilon);
  if (adds_one) return (scaled * (weight.to(wide.scalar_type()) + 1)).to(dtype);
  return scaled.to(dtype) * weight;
}

// Turns by the angle or, backward, by its opposite.
template <typename T>
void rotate_rows(const Tensor& x, const Tensor& cosine, const Tensor& sine, T direction,
                 Tensor& out) {
  const int64_t heads = x.size(1), half = x.size(2) / 2;
  const T* from = x.const_data_ptr<T>();
  const T* cosines = cosine.const_data_ptr<T>();
  const T* sines = sine.const_data_ptr<T>();
  T* to = out.mutable_data_ptr<T>();
  over_rows(x.size(0), heads * 2 * half, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T *c = cosines + row * half, *s = sines + row * half;
      for (int64_t head = row * heads; head < (row + 1) * heads; ++head) {
        const T *first = from + head * 2 * half, *second = first + half;
        T* target = to + head * 2 * half;
#pragma omp simd
        for (int64_t i = 0; i < half; ++i) {
          target[i] = first[i] * c[i] - direction * second[i] * s[i];
          target[half + i] = second[i] * c[i] + direction * first[i] * s[i];
        }
      }
    }
  });
}

class RotateHalf : public Function<RotateHalf> {
 public:
  static Variable forward(AutogradContext* context, const Variable& x, const Variable& cosine,
                          const Variable& sine) {
    context->save_for_backward({cosine, sine});
    return turned(x, cosine, sine, 1);
  }
  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    return {turned(grads[0], saved[0], saved[1], -1), Variable(), Variable()};
  }

 private:
  static Tensor turned(const Tensor& x_, const Tensor& cosine, const Tensor& sine, int direction) {
    const Tensor x = x_.contiguous();
    Tensor out = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rotate_half", [&] {
      rotate_rows<scalar_t>(x, cosine, sine, static_cast<scalar_t>(direction), out);
    });
    return out;
  }
};

// 1 / (1 + exp(-x)) of `count` values.
inline void sigmoids(const double* x, int64_t count, double* out) {
  for (int64_t i = 0; i < count; ++i) out[i] = 1 / (1 + std::exp(-x[i]));
}

inline void sigmoids(const float* x, int64_t count, float* out) {
  const int64_t whole = count / kVectorLanes * kVectorLanes;
  for (int64_t i = 0; i < whole; i += kVectorLanes) {
    const Floats value = load_floats(x + i);
    const Floats e = exp_nonpositive(value < 0 ? value : -value);
    store_floats((value < 0 ? e : broadcast(1)) / (1 + e), out + i);
  }
  for (int64_t i = whole; i < count; ++i) out[i] = 1 / (1 + std::exp(-x[i]));
}

template <typename T>
void multiply_silu(const T* gate, const T* up, int64_t count, T* out) {
  sigmoids(gate, count, out);
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) out[i] *= gate[i] * up[i];
}

// With σ = sigmoid(g): d silu = σ·(1 + g·(1 − σ)).
template <typename T>
void multiply_silu_backward(const T* grad, const T* gate, const T* up, int64_t count, T* grad_gate,
                            T* grad_up) {
  sigmoids(gate, count, grad_gate);
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const T sigma = grad_gate[i];
    grad_up[i] = grad[i] * gate[i] * sigma;
    grad_gate[i] = grad[i] * up[i] * sigma * (1 + gate[i] * (1 - sigma));
  }
}

class SiluAndMultiply : public Function<SiluAndMultiply> {
  // By rows: which values are computed as vectors, and which one by one, is the same in every row.
  template <typename Visit>
  static void each_row(const Tensor& like, const Visit& visit) {
    const int64_t width = like.size(-1);
    over_rows(like.numel() / width, width, [&](int64_t row, int64_t last) {
      for (; row < last; ++row) visit(row * width, width);
    });
  }

 public:
  static Variable forward(AutogradContext* context, const Variable& gate_, const Variable& up_) {
    const Tensor gate = gate_.contiguous(), up = up_.contiguous();
    Tensor out = torch::empty_like(gate);
    AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "silu_and_multiply", [&] {
      const auto *g = gate.const_data_ptr<scalar_t>(), *u = up.const_data_ptr<scalar_t>();
      auto* to = out.mutable_data_ptr<scalar_t>();
      each_row(gate,
               [&](int64_t at, int64_t width) { multiply_silu(g + at, u + at, width, to + at); });
    });
    context->save_for_backward({gate, up});
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &gate = saved[0], &up = saved[1];
    const Tensor grad = grads[0].contiguous();
    Tensor grad_gate = torch::empty_like(gate), grad_up = torch::empty_like(up);
    AT_DISPATCH_FLOATING_TYPES(gate.scalar_type(), "silu_and_multiply_backward", [&] {
      const auto *g = gate.const_data_ptr<scalar_t>(), *u = up.const_data_ptr<scalar_t>(),
                 *d = grad.const_data_ptr<scalar_t>();
      auto *to_gate = grad_gate.mutable_data_ptr<scalar_t>(),
           *to_up = grad_up.mutable_data_ptr<scalar_t>();
      each_row(gate, [&](int64_t at, int64_t width) {
        multiply_silu_backward(d + at, g + at, u + at, width, to_gate + at, to_up + at);
      });
    });
    return {grad_gate, grad_up};
  }
};

}  // namespace

Tensor rms_norm(const Tensor& x, const Tensor& weight, double epsilon, bool adds_one) {
  return is_fused(x) ? RmsNorm::apply(x, weight, epsilon, adds_one)
                     : composed_rms_norm(x, weight, epsilon, adds_one);
}

Tensor rotate_half(const Tensor& x, const Tensor& cosine, const Tensor& sine) {
  if (is_fused(x)) return RotateHalf::apply(x, cosine, sine);
  const std::vector<Tensor> halves = x.chunk(2, -1);
  return torch::cat({halves[0] * cosine - halves[1] * sine, halves[1] * cosine + halves[0] * sine},
                    -1);
}

Tensor silu_and_multiply(const Tensor& gate, const Tensor& up) {
  return is_fused(gate) ? SiluAndMultiply::apply(gate, up) : torch::silu(gate) * up;
}

}  // namespace serendip
