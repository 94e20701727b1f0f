// What the kernels over interest clusters work in, for tests.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cluster_softmax_topk_plan.h"
#include "tests/kernels/cuda_on_host.h"

namespace serendip {

// Vectors of exactly the size that the kernels may touch, so that a sanitizer sees every overrun.
struct WorkspaceBuffers {
  std::vector<int> unit_count, cursor, group_begin, pair_counts, group_pair, group_row, best_item;
  std::vector<float> part_max, part_sum, best_score;
  std::vector<cluster_softmax_topk_device::Unit> units;

  WorkspaceBuffers(const ClusterSoftmaxTopkInput& input, int64_t pairs,
                   const cluster_softmax_topk_device::Plan& plan) {
    const auto fill = [](auto& values, int64_t count) {
      values =
          cuda_on_host::poisoned<std::decay_t<decltype(values[0])>>(static_cast<size_t>(count));
    };
    const int64_t parts = pairs * plan.splits;
    fill(unit_count, 1);
    fill(cursor, input.cluster_count);
    fill(group_begin, input.cluster_count);
    fill(pair_counts, pairs);
    fill(group_pair, pairs);
    fill(group_row, pairs);
    fill(part_max, parts);
    fill(part_sum, parts);
    fill(best_score, parts * input.k);
    fill(best_item, parts * input.k);
    fill(units, cluster_softmax_topk_device::most_units(input, pairs, plan));
  }
  cluster_softmax_topk_device::Workspace workspace() {
    return {unit_count.data(), cursor.data(),    group_begin.data(), pair_counts.data(),
            group_pair.data(), group_row.data(), part_max.data(),    part_sum.data(),
            best_score.data(), best_item.data(), units.data()};
  }
};

}  // namespace serendip
