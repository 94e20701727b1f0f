// The contexts that a table answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace serendip {

// Contexts of K out of M clusters, one a row, ascending.
class ContextList {
 public:
  ContextList() = default;
  // All M^K, held by their number alone: with K = 2, row r is (r / M, r mod M).
  static ContextList all(int64_t cluster_count, int64_t context_size);
  // Those of `contexts` [R, K], sorted, equal ones once. Throws Error where one has a cluster that
  // is none of [0, M).
  static ContextList listed(int64_t cluster_count, int64_t context_size,
                            const std::vector<int32_t>& contexts);

  int64_t cluster_count() const { return cluster_count_; }  // M
  int64_t context_size() const { return context_size_; }    // K
  int64_t rows() const { return rows_; }
  bool is_all() const { return is_all_; }
  const std::vector<int32_t>& contexts() const { return contexts_; }  // [R, K]; empty of all M^K
  std::vector<int32_t> operator[](int64_t row) const;
  // Nothing where the context is not listed.
  std::optional<int64_t> find(std::span<const int32_t> context) const;
  bool operator==(const ContextList&) const = default;

 private:
  int64_t cluster_count_ = 0, context_size_ = 0, rows_ = 0;
  bool is_all_ = false;
  std::vector<int32_t> contexts_;
};

// The "context" of every line of a JSONL file, as curate's sets have them: [lines, K]. Throws Error
// naming the line that has none of `context_size` clusters.
std::vector<int32_t> read_contexts(const std::filesystem::path& path, int64_t context_size);

}  // namespace serendip
