// The pair table (table.h5): for every context the best labels with their log-probabilities.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "transitions/context_list.h"

namespace serendip {

class Hdf5File;

// A row a context; one with fewer than k labels is filled up with label kNoLabel and
// log-probability -inf. All pairs need no list of them in the file: with K = 2, row r = c1·M + c2.
struct PairTable {
  static constexpr int32_t kNoLabel = -1;

  ContextList contexts;
  int64_t k = 0;
  std::vector<int32_t> label;                                      // [R, k]
  std::vector<float> log_prob, probability_low, probability_high;  // [R, k]
  std::map<std::string, std::string> hashes;  // of model, tokenizer, template, descriptions

  int64_t cluster_count() const { return contexts.cluster_count(); }
  int64_t rows() const { return contexts.rows(); }
};

// Of a tree's descriptions, as in `hashes`.
std::string descriptions_hash(const std::vector<std::string>& descriptions);
// Throws Error naming the file where a table of so many clusters and with such hashes was made for
// clusters of other descriptions.
void check_descriptions(int64_t cluster_count, const std::map<std::string, std::string>& hashes,
                        const std::vector<std::string>& descriptions,
                        const std::filesystem::path& path);
void check_descriptions(const PairTable& table, const std::vector<std::string>& descriptions,
                        const std::filesystem::path& path);

// The parts of load_pair_table, for those who map the file: the contexts of a table of so many
// rows.
ContextList load_table_contexts(const Hdf5File& file, const std::string& path, int64_t rows);

// Throws Error naming the file and what is missing or inconsistent.
PairTable load_pair_table(const std::filesystem::path& path);
void save_pair_table(const PairTable& table, const std::filesystem::path& path);

}  // namespace serendip
