// Largest inner products between two blocks of rows, by tiles of fixed shape on one thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace serendip {

struct Scored {
  float score;
  int32_t index;
};

// Rows of `dim` floats and the number each is known by.
struct RowBlock {
  const float* values;
  std::span<const int32_t> index;
};

// For every query the `capacity` best base rows, best first, ties by index; rows with the query's
// own number are left out.
std::vector<std::vector<Scored>> best_rows(const RowBlock& queries, const RowBlock& base,
                                           int64_t dim, size_t capacity);

}  // namespace serendip
