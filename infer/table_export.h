// The pair table for other tools: one line or row a label.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "infer/pair_table.h"

namespace serendip {

// Columns context_1 … context_K, rank (from 1), label, log_prob, probability_low, probability_high
// and, where `descriptions` are given, description. CSV or, where the name ends with ".parquet",
// Parquet; rows without a label are left out. Throws Error for any other ending.
void export_table(const PairTable& table, const std::vector<std::string>& descriptions,
                  const std::filesystem::path& target);

}  // namespace serendip
