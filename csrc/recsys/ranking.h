// Full-ranking metrics of one held-out item a user.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

namespace serendip {

// How many of the `count` items come before `target`: higher score, or equal score and lower index.
// Items in `seen` (repeats allowed) do not take part, except the target. Throws Error when the
// target's score is not finite.
int64_t rank_of(const float* scores, int64_t count, int64_t target,
                const std::vector<int32_t>& seen);

// Mean of 1 / log2(rank + 2) over ranks below k, 0 elsewhere. 0 for no ranks.
double ndcg_at(const std::vector<int64_t>& ranks, int64_t k);
// What a user of this rank adds to that mean.
double discounted_gain(int64_t rank, int64_t k);
// Mean of 1 / (rank + 1). 0 for no ranks.
double mean_reciprocal_rank(const std::vector<int64_t>& ranks);
// Share of ranks below k.
double hit_rate_at(const std::vector<int64_t>& ranks, int64_t k);

// {"hr_at_5", "ndcg_at_5", … for 5, 10, 20, "mrr", "users"}.
nlohmann::json ranking_metrics(const std::vector<int64_t>& ranks);

}  // namespace serendip
