// The compact form in which a page carries a pair table.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "infer/pair_table.h"

namespace serendip {

constexpr int32_t kNoPairLabel = 65535;
constexpr double kStepsANat = 16, kLastStep = 255;

// How many of a row's labels fit into the page, at most 3; 0: the table is too large for it.
int64_t pair_labels_shown(const PairTable& table);

// {"descriptions" [M], "rows", "shown", "context_size", "none", "steps_a_nat", "last_step",
// "label", "log_prob"} and, where the table lists its contexts, "context". "label" [R, shown] and
// "context" [R, K] are unsigned 16-bit numbers, the low byte first, kNoPairLabel where a row has no
// more labels; "log_prob" [R, shown] are bytes, -log-probability · kStepsANat rounded and cut at
// kLastStep; all three in base64.
nlohmann::json encode_pairs(const PairTable& table, int64_t shown,
                            const std::vector<std::string>& descriptions);

}  // namespace serendip
