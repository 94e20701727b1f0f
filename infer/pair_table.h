// The pair table (table.h5): for every context the best labels with their log-probabilities.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace serendip {

// R = M^K rows; with K = 2, row r = c1·M + c2. A row with fewer than k labels is filled up with
// label kNoLabel and log-probability -inf.
struct PairTable {
  static constexpr int32_t kNoLabel = -1;

  int64_t cluster_count = 0, context_size = 2, k = 0;
  std::vector<int32_t> label;                                      // [R, k]
  std::vector<float> log_prob, probability_low, probability_high;  // [R, k]
  std::map<std::string, std::string> hashes;  // of model, tokenizer, template, descriptions

  int64_t rows() const { return k == 0 ? 0 : static_cast<int64_t>(label.size()) / k; }
};

// Throws Error naming the file and what is missing or inconsistent.
PairTable load_pair_table(const std::filesystem::path& path);
void save_pair_table(const PairTable& table, const std::filesystem::path& path);

}  // namespace serendip
