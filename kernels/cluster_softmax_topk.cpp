// Work is cut in tasks of one cluster's item tile against every row that names the cluster, so that
// an item is read once whatever the number of its queries. Each (task, row) leaves a partial
// result; a row's partials are then merged in ascending item order.
#include "kernels/cluster_softmax_topk.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace serendip {
namespace {

constexpr int64_t kItemTile = 1024;  // items a task: 256 KiB at width 64
constexpr int64_t kQueryTile = 4;    // queries that share one pass over a tile's items
constexpr int64_t kLanes = 8;
constexpr int64_t kParallelWork =
    1 << 16;  // multiplications below which threads cost more than they save
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

Lanes load_lanes(const float* source) {
  Lanes lanes;
  std::memcpy(&lanes, source, sizeof(lanes));
  return lanes;
}

// Dot products of one item with `Count` queries; each sum has the same order whatever the Count.
template <int Count>
void dot_products(const float* item, const float* const* queries, int64_t width, float* scores) {
  Lanes sums[Count] = {};
  int64_t column = 0;
  for (; column + kLanes <= width; column += kLanes) {
    const Lanes values = load_lanes(item + column);
    for (int q = 0; q < Count; ++q) sums[q] += values * load_lanes(queries[q] + column);
  }
  for (int q = 0; q < Count; ++q) {
    float sum = ((sums[q][0] + sums[q][4]) + (sums[q][1] + sums[q][5])) +
                ((sums[q][2] + sums[q][6]) + (sums[q][3] + sums[q][7]));
    for (int64_t rest = column; rest < width; ++rest) sum += item[rest] * queries[q][rest];
    scores[q] = sum;
  }
}

struct Candidate {
  float score;
  int64_t id;
};

bool better(const Candidate& left, const Candidate& right) {
  return left.score > right.score || (left.score == right.score && left.id < right.id);
}

// One cluster's item tile, and where the partial results of its rows begin.
struct Task {
  int64_t first_item, last_item;
  const std::vector<int64_t>* rows;
  int64_t first_partial;
  int64_t first_candidate;
  int64_t kept;  // candidates each row keeps: min(k, items)
};

struct Partial {
  float max;
  double sum;  // of exp(score - max)
};

struct Plan {
  std::vector<std::vector<int64_t>> cluster_rows;  // [M] ascending rows, each once
  std::vector<Task> tasks;                         // ascending items
  int64_t partial_count = 0, candidate_count = 0;
  int64_t work = 0;  // multiplications
};

Plan make_plan(const ClusterSoftmaxTopkInput& input) {
  Plan plan;
  plan.cluster_rows.resize(static_cast<size_t>(input.cluster_count));
  for (int64_t row = 0; row < input.query_count; ++row) {
    for (int64_t at = input.row_offset[row]; at < input.row_offset[row + 1]; ++at) {
      std::vector<int64_t>& rows = plan.cluster_rows[static_cast<size_t>(input.row_cluster[at])];
      if (rows.empty() || rows.back() != row) rows.push_back(row);
    }
  }
  for (int64_t cluster = 0; cluster < input.cluster_count; ++cluster) {
    const std::vector<int64_t>& rows = plan.cluster_rows[static_cast<size_t>(cluster)];
    const int64_t end = input.cluster_offset[cluster + 1];
    if (rows.empty()) continue;
    for (int64_t item = input.cluster_offset[cluster]; item < end; item += kItemTile) {
      const int64_t last = std::min(item + kItemTile, end);
      const int64_t kept = std::min(input.k, last - item);
      plan.tasks.push_back({item, last, &rows, plan.partial_count, plan.candidate_count, kept});
      plan.partial_count += static_cast<int64_t>(rows.size());
      plan.candidate_count += static_cast<int64_t>(rows.size()) * kept;
      plan.work += static_cast<int64_t>(rows.size()) * (last - item) * input.width;
    }
  }
  return plan;
}

// Keeps the best `kept` of the scores, best first.
void select_best(const float* scores, int64_t count, int64_t first_item, int64_t kept,
                 Candidate* best) {
  int64_t held = 0;
  for (int64_t item = 0; item < count; ++item) {
    const Candidate candidate{scores[item], first_item + item};
    // Items come in ascending order, so a tie with the last one held never enters.
    if (held == kept && candidate.score <= best[kept - 1].score) continue;
    int64_t place = held < kept ? held++ : kept - 1;
    for (; place > 0 && better(candidate, best[place - 1]); --place) best[place] = best[place - 1];
    best[place] = candidate;
  }
}

void score_tile(const ClusterSoftmaxTopkInput& input, const Task& task, int64_t first_row,
                int64_t row_count, float* scores) {
  const float* queries[kQueryTile];
  for (int64_t q = 0; q < row_count; ++q)
    queries[q] = input.query + (*task.rows)[static_cast<size_t>(first_row + q)] * input.width;
  for (int64_t item = task.first_item; item < task.last_item; ++item) {
    const float* embedding = input.item_embedding + item * input.width;
    float dots[kQueryTile];
    switch (row_count) {
      case 4:
        dot_products<4>(embedding, queries, input.width, dots);
        break;
      case 3:
        dot_products<3>(embedding, queries, input.width, dots);
        break;
      case 2:
        dot_products<2>(embedding, queries, input.width, dots);
        break;
      default:
        dot_products<1>(embedding, queries, input.width, dots);
    }
    for (int64_t q = 0; q < row_count; ++q)
      scores[q * kItemTile + item - task.first_item] = dots[q];
  }
}

void run_task(const ClusterSoftmaxTopkInput& input, const Task& task, Partial* partials,
              Candidate* candidates) {
  float scores[kQueryTile * kItemTile];
  const int64_t items = task.last_item - task.first_item;
  const auto row_total = static_cast<int64_t>(task.rows->size());
  for (int64_t first = 0; first < row_total; first += kQueryTile) {
    const int64_t count = std::min(kQueryTile, row_total - first);
    score_tile(input, task, first, count, scores);
    for (int64_t q = 0; q < count; ++q) {
      const float* row_scores = scores + q * kItemTile;
      Partial& partial = partials[task.first_partial + first + q];
      partial = {*std::max_element(row_scores, row_scores + items), 0.0};
      for (int64_t item = 0; item < items; ++item)
        partial.sum += static_cast<double>(std::exp(row_scores[item] - partial.max));
      select_best(row_scores, items, task.first_item, task.kept,
                  candidates + task.first_candidate + (first + q) * task.kept);
    }
  }
}

// Where the partial results of one row lie, in ascending item order.
struct RowPart {
  const Partial* partial;
  const Candidate* candidates;
  int64_t kept;
};

void merge_row(const std::vector<RowPart>& parts, int64_t k, int64_t* ids, float* log_prob,
               float* log_z) {
  double max = -std::numeric_limits<double>::infinity(), sum = 0.0;
  std::vector<Candidate> all;
  for (const RowPart& part : parts) max = std::max(max, static_cast<double>(part.partial->max));
  for (const RowPart& part : parts) {
    sum += part.partial->sum * std::exp(static_cast<double>(part.partial->max) - max);
    all.insert(all.end(), part.candidates, part.candidates + part.kept);
  }
  const double log_sum = parts.empty() ? max : max + std::log(sum);
  const auto held = std::min<int64_t>(k, static_cast<int64_t>(all.size()));
  std::partial_sort(all.begin(), all.begin() + held, all.end(), better);
  for (int64_t rank = 0; rank < held; ++rank) {
    const Candidate& candidate = all[static_cast<size_t>(rank)];
    ids[rank] = candidate.id;
    log_prob[rank] = static_cast<float>(static_cast<double>(candidate.score) - log_sum);
  }
  std::fill(ids + held, ids + k, int64_t{-1});
  std::fill(log_prob + held, log_prob + k, kMinusInfinity);
  *log_z = static_cast<float>(log_sum);
}

}  // namespace

void cluster_softmax_topk_cpu(const ClusterSoftmaxTopkInput& input,
                              const ClusterSoftmaxTopkOutput& output) {
  const Plan plan = make_plan(input);
  std::vector<Partial> partials(static_cast<size_t>(plan.partial_count));
  std::vector<Candidate> candidates(static_cast<size_t>(plan.candidate_count));
  const auto task_count = static_cast<int64_t>(plan.tasks.size());
#pragma omp parallel for schedule(dynamic, 1) if (plan.work > kParallelWork)
  for (int64_t task = 0; task < task_count; ++task)
    run_task(input, plan.tasks[static_cast<size_t>(task)], partials.data(), candidates.data());

  std::vector<std::vector<RowPart>> parts(static_cast<size_t>(input.query_count));
  for (const Task& task : plan.tasks)
    for (size_t at = 0; at < task.rows->size(); ++at)
      parts[static_cast<size_t>((*task.rows)[at])].push_back(
          {&partials[static_cast<size_t>(task.first_partial) + at],
           &candidates[static_cast<size_t>(task.first_candidate) +
                       at * static_cast<size_t>(task.kept)],
           task.kept});
#pragma omp parallel for schedule(static) if (plan.work > kParallelWork)
  for (int64_t row = 0; row < input.query_count; ++row)
    merge_row(parts[static_cast<size_t>(row)], input.k, output.ids + row * input.k,
              output.log_prob + row * input.k, output.log_z + row);
}

}  // namespace serendip
