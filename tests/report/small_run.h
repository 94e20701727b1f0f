// A run folder with every artifact that the page shows, whose texts try to break out of it.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "infer/pair_table.h"

namespace serendip {

inline const std::vector<std::string> kSmallRunStages = {"import", "curate", "sft", "generate",
                                                         "recommend_eval"};

// 6 interests, one of them named "</script><script>alert(1)</script>", 12 items, all pairs.
void write_small_run(const std::filesystem::path& folder);

// Beside it, in its folder `random`, what Figure 3 shows of a run with sft.set=`set`.
void write_random_run(const std::filesystem::path& folder, const std::string& set = "random");

// `labels` a row of all pairs of `clusters`, log-probabilities from 0 to beyond what a page holds.
PairTable small_pair_table(int64_t clusters, int64_t labels);

// What `simulate experiment` writes, with three arms.
nlohmann::json small_experiment();

}  // namespace serendip
