// Inputs of tree_attention for tests, and the comparison with its plain definition in double.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "kernels/tree_attention_plan.h"
#include "tests/kernels/packed_floats.h"

namespace serendip {

// ---- paths, a row each ----

using TreePathRows = std::vector<std::vector<int32_t>>;

inline std::vector<int32_t> extended(std::vector<int32_t> path, int64_t row) {
  path.push_back(static_cast<int32_t>(row));
  return path;
}

inline TreePathRows chain_paths(int64_t rows) {
  TreePathRows paths;
  for (int64_t t = 0; t < rows; ++t)
    paths.push_back(extended(t > 0 ? paths.back() : std::vector<int32_t>(), t));
  return paths;
}

// `template_rows` in a chain, then samples of `sample_rows` that hang from its end.
inline TreePathRows star_paths(int64_t template_rows, int64_t samples, int64_t sample_rows) {
  TreePathRows paths = chain_paths(template_rows);
  const std::vector<int32_t> stem = paths.back();
  for (int64_t sample = 0; sample < samples; ++sample)
    for (int64_t i = 0; i < sample_rows; ++i)
      paths.push_back(
          extended(i > 0 ? paths.back() : stem, template_rows + sample * sample_rows + i));
  return paths;
}

// Row t hangs from one of the rows before it, mostly from one of the `recent` last.
inline TreePathRows random_paths(int64_t rows, int64_t recent, uint64_t seed) {
  Random random(seed);
  TreePathRows paths;
  for (int64_t t = 0; t < rows; ++t) {
    std::vector<int32_t> parent;
    if (t > 0 && random.below(8) > 0) {
      const int64_t first = random.below(4) > 0 ? std::max<int64_t>(0, t - recent) : 0;
      const auto chosen =
          first + static_cast<int64_t>(random.below(static_cast<uint64_t>(t - first)));
      parent = paths[static_cast<size_t>(chosen)];
    }
    paths.push_back(extended(std::move(parent), t));
  }
  return paths;
}

// The last `rows` of the paths, over key rows of which each has moved to an arbitrary place of an
// arena of `key_rows`.
inline TreePathRows arena_paths(TreePathRows paths, int64_t rows, int64_t key_rows, uint64_t seed) {
  Random random(seed);
  std::vector<int32_t> moved(static_cast<size_t>(key_rows));
  for (size_t i = 0; i < moved.size(); ++i) moved[i] = static_cast<int32_t>(i);
  for (size_t i = moved.size() - 1; i > 0; --i) std::swap(moved[i], moved[random.below(i + 1)]);
  paths.erase(paths.begin(), paths.end() - rows);
  for (std::vector<int32_t>& path : paths)
    for (int32_t& row : path) row = moved[static_cast<size_t>(row)];
  return paths;
}

// ---- problems ----

struct TreeAttentionProblem {
  kernels::TreeAttentionShape shape{};
  kernels::TreeAttentionOptions options;
  int64_t key_rows = 0;
  std::vector<int64_t> path_offset{0};
  std::vector<int32_t> path;
  PackedFloats query, key, value, grad_out;

  FloatType type() const { return query.type(); }
  int64_t rows() const { return static_cast<int64_t>(path_offset.size()) - 1; }
  size_t query_values() const { return static_cast<size_t>(rows() * shape.heads * shape.head_dim); }
  size_t key_values() const {
    return static_cast<size_t>(key_rows * shape.key_value_heads * shape.head_dim);
  }
  // The first key row of row t's path that it sees, and behind the last.
  std::pair<const int32_t*, const int32_t*> seen(int64_t t) const {
    const int64_t begin = path_offset[static_cast<size_t>(t)],
                  end = path_offset[static_cast<size_t>(t) + 1];
    const int64_t first = options.window > 0 ? std::max(begin, end - options.window) : begin;
    return {path.data() + first, path.data() + end};
  }
  TreeAttentionInput input() {
    return {query.data(), key.data(), value.data(), type(),
            rows(),       key_rows,   shape,        {path_offset.data(), path.data()},
            options};
  }
};

// The scale counts as a multiple of 1 / sqrt(d).
inline TreeAttentionProblem random_tree_problem(const TreePathRows& paths, int64_t key_rows,
                                                const kernels::TreeAttentionShape& shape,
                                                FloatType type,
                                                kernels::TreeAttentionOptions options = {}) {
  options.scale /= std::sqrt(static_cast<double>(shape.head_dim));
  TreeAttentionProblem problem;
  problem.shape = shape;
  problem.options = options;
  problem.key_rows = key_rows;
  for (const std::vector<int32_t>& row : paths) {
    problem.path.insert(problem.path.end(), row.begin(), row.end());
    problem.path_offset.push_back(static_cast<int64_t>(problem.path.size()));
  }
  Random random(11, static_cast<uint64_t>(shape.head_dim));
  const auto values = [&](size_t count) {
    std::vector<float> normal(count);
    for (float& value : normal) value = static_cast<float>(random.normal());
    return PackedFloats(normal, type);
  };
  problem.query = values(problem.query_values());
  problem.key = values(problem.key_values());
  problem.value = values(problem.key_values());
  problem.grad_out = values(problem.query_values());
  return problem;
}

// TreeAttentionKeyTiles, by their definition.
struct KeyTiles {
  std::vector<int64_t> offset{0};
  std::vector<int32_t> row, seen;

  explicit KeyTiles(const TreeAttentionProblem& problem) {
    using tree_attention_device::kKeyTile;
    for (int64_t first = 0; first < problem.key_rows; first += kKeyTile) {
      for (int64_t t = 0; t < problem.rows(); ++t) {
        int32_t bits = 0;
        const auto [begin, end] = problem.seen(t);
        for (const int32_t* key_row = begin; key_row < end; ++key_row)
          if (*key_row / kKeyTile == first / kKeyTile) bits |= 1 << (*key_row - first);
        if (bits == 0) continue;
        row.push_back(static_cast<int32_t>(t));
        seen.push_back(bits);
      }
      offset.push_back(static_cast<int64_t>(row.size()));
    }
  }
  TreeAttentionKeyTiles view() const { return {offset.data(), row.data(), seen.data()}; }
};

// ---- the definition ----

// Values and how far a result may be from each.
struct Expected {
  std::vector<double> value, tolerance;
  explicit Expected(size_t count) : value(count), tolerance(count) {}
};

// The roundings that a result may have: of the type, relative and for subnormal weights, and of a
// float32 sum of scores whose terms have a magnitude.
struct Roundings {
  double type, subnormal;

  explicit Roundings(FloatType float_type)
      : type(rounding_of(float_type)),
        subnormal(float_type == FloatType::kFloat16 ? 0x1p-24 : 0x1p-100) {}
  static double score(double magnitude) { return 0x1p-21 * (4 + magnitude); }
};

struct TreeAttentionReference {
  Expected out, log_sum_exp, grad_query, grad_key, grad_value;
};

// One query's scores, weights and the derivatives of scores by products.
struct QueryScores {
  std::vector<double> weight, slope;
  double log_sum_exp = 0, rounding = 0;

  QueryScores(const TreeAttentionProblem& problem, int64_t t, size_t query_at,
              const std::vector<size_t>& key_at) {
    const kernels::TreeAttentionOptions& options = problem.options;
    double magnitude = 0;
    for (const size_t at : key_at) {
      double product = 0, sum = 0;
      for (size_t i = 0; i < static_cast<size_t>(problem.shape.head_dim); ++i) {
        const double term = static_cast<double>(problem.query[query_at + i]) *
                            static_cast<double>(problem.key[at + i]);
        product += term;
        sum += std::abs(term);
      }
      magnitude = std::max(magnitude, options.scale * sum);
      const double bent = std::tanh(options.scale * product / options.softcap);
      weight.push_back(options.softcap > 0 ? options.softcap * bent : options.scale * product);
      slope.push_back(options.softcap > 0 ? options.scale * (1 - bent * bent) : options.scale);
    }
    EXPECT_FALSE(weight.empty()) << "row " << t;
    const double largest = *std::max_element(weight.begin(), weight.end());
    double total = 0;
    for (const double score : weight) total += std::exp(score - largest);
    log_sum_exp = largest + std::log(total);
    rounding = Roundings::score(magnitude);
    for (double& each : weight) each = std::exp(each - log_sum_exp);
  }
};

inline void add_query_reference(const TreeAttentionProblem& problem, int64_t t, int64_t h,
                                TreeAttentionReference& result) {
  const auto width = static_cast<size_t>(problem.shape.head_dim);
  const auto query_at = static_cast<size_t>(t * problem.shape.heads + h) * width;
  const int64_t key_heads = problem.shape.key_value_heads;
  const int64_t head = h / (problem.shape.heads / key_heads);
  std::vector<size_t> key_at;
  const auto [begin, end] = problem.seen(t);
  for (const int32_t* row = begin; row < end; ++row)
    key_at.push_back(static_cast<size_t>(*row * key_heads + head) * width);
  const QueryScores scores(problem, t, query_at, key_at);
  const Roundings roundings(problem.type());
  const double relative = 3 * roundings.type + scores.rounding;
  result.log_sum_exp.value[query_at / width] = scores.log_sum_exp;
  result.log_sum_exp.tolerance[query_at / width] = scores.rounding;

  const auto add = [](Expected& expected, size_t at, double value, double tolerance) {
    expected.value[at] += value;
    expected.tolerance[at] += tolerance;
  };
  double mean_grad = 0, mean_magnitude = 0;
  for (size_t i = 0; i < width; ++i) {
    const size_t at = query_at + i;
    for (size_t j = 0; j < key_at.size(); ++j) {
      const double value = static_cast<double>(problem.value[key_at[j] + i]);
      add(result.out, at, scores.weight[j] * value,
          (relative * scores.weight[j] + roundings.subnormal) * std::abs(value));
    }
    const double term = static_cast<double>(problem.grad_out[at]) * result.out.value[at];
    mean_grad += term;
    mean_magnitude += std::abs(term);
  }
  for (size_t j = 0; j < key_at.size(); ++j) {
    double grad = -mean_grad, magnitude = mean_magnitude;
    for (size_t i = 0; i < width; ++i) {
      const double term = static_cast<double>(problem.grad_out[query_at + i]) *
                          static_cast<double>(problem.value[key_at[j] + i]);
      grad += term;
      magnitude += std::abs(term);
    }
    const double product_grad = scores.slope[j] * scores.weight[j] * grad;
    const double tolerance =
        relative * problem.options.scale * scores.weight[j] * magnitude + roundings.subnormal;
    for (size_t i = 0; i < width; ++i) {
      const double query = static_cast<double>(problem.query[query_at + i]),
                   key = static_cast<double>(problem.key[key_at[j] + i]),
                   grad_out = static_cast<double>(problem.grad_out[query_at + i]);
      add(result.grad_query, query_at + i, product_grad * key, tolerance * std::abs(key));
      add(result.grad_key, key_at[j] + i, product_grad * query, tolerance * std::abs(query));
      add(result.grad_value, key_at[j] + i, scores.weight[j] * grad_out,
          (relative * scores.weight[j] + roundings.subnormal) * std::abs(grad_out));
    }
  }
}

inline TreeAttentionReference tree_attention_reference(const TreeAttentionProblem& problem) {
  const size_t queries = problem.query_values(), keys = problem.key_values();
  TreeAttentionReference result{Expected(queries),
                                Expected(queries / static_cast<size_t>(problem.shape.head_dim)),
                                Expected(queries), Expected(keys), Expected(keys)};
  for (int64_t t = 0; t < problem.rows(); ++t)
    for (int64_t h = 0; h < problem.shape.heads; ++h) add_query_reference(problem, t, h, result);
  return result;
}

template <typename T>
void expect_near(const std::vector<T>& actual, const Expected& expected, const char* name) {
  ASSERT_EQ(actual.size(), expected.value.size());
  for (size_t at = 0; at < actual.size(); ++at)
    ASSERT_NEAR(static_cast<double>(to_float(actual[at])), expected.value[at],
                expected.tolerance[at] + 0x1p-24)
        << name << "[" << at << "]";
}

// ---- the problems that both passes are tested with ----

struct TreeAttentionCase {
  const char* name;
  TreePathRows paths;
  int64_t key_rows;
  kernels::TreeAttentionShape shape;
  kernels::TreeAttentionOptions options = {};
  FloatType type = FloatType::kFloat32;
};

inline std::vector<TreeAttentionCase> tree_attention_cases() {
  constexpr FloatType kBFloat16 = FloatType::kBFloat16, kFloat16 = FloatType::kFloat16;
  const TreePathRows deep = random_paths(70, 3, 5), wide = random_paths(60, 60, 6);
  TreePathRows apart;
  for (int32_t t = 0; t < 20; ++t) apart.push_back({3 * t + 2, 3 * t, 3 * t + 1});
  return {
      {"one row", {{0}}, 1, {1, 1, 8}},
      {"one row of many keys", {star_paths(67, 0, 0).back()}, 70, {3, 1, 40}, {}, kBFloat16},
      {"chain", chain_paths(40), 40, {3, 3, 64}},
      {"long prefix", star_paths(65, 6, 2), 77, {6, 2, 64}, {}, kBFloat16},
      {"nothing shared", apart, 60, {2, 2, 16}, {}, kFloat16},
      {"deep tree", deep, 70, {9, 3, 40}, {}, kFloat16},
      {"wide tree", wide, 60, {8, 1, 24}, {}, kBFloat16},
      {"wide heads", random_paths(24, 4, 7), 24, {4, 2, 256}, {}, kBFloat16},
      {"wide heads in float32", star_paths(18, 3, 3), 27, {2, 1, 256}},
      {"d = 128", star_paths(33, 4, 3), 45, {3, 1, 128}, {}, kFloat16},
      {"arena", arena_paths(deep, 30, 150, 8), 150, {4, 2, 32}, {}, kBFloat16},
      {"arena in float32", arena_paths(star_paths(40, 9, 4), 36, 90, 9), 90, {3, 1, 8}},
      {"window 1", deep, 70, {3, 1, 8}, {.window = 1}},
      {"window 5", deep, 70, {3, 1, 48}, {.window = 5}, kBFloat16},
      {"window 33", star_paths(50, 3, 9), 77, {2, 2, 16}, {.window = 33}},
      {"window past every path", deep, 70, {1, 1, 8}, {.window = int64_t{1} << 40}},
      {"soft cap", wide, 60, {4, 2, 16}, {.scale = 8, .softcap = 5}},
      {"soft cap and window", deep, 70, {8, 1, 16}, {4, 3, 7}, kFloat16},
      {"large scores", wide, 60, {2, 1, 64}, {.scale = 300}},
      {"last row shortest", {{0, 1, 2}, {0, 1}, {0}}, 3, {2, 1, 8}},
      {"as many queries of a key tile as are taken at once", chain_paths(4), 4, {8, 1, 8}},
      {"group wider than a tile", random_paths(9, 3, 10), 9, {40, 2, 8}, {}, kBFloat16},
  };
}

}  // namespace serendip
