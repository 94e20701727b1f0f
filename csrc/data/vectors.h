// Item vectors that the user brings along: NumPy, HDF5 or Parquet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace serendip {

// N rows of D values in item order; items without a vector have zeros.
struct ItemVectors {
  std::vector<float> values;  // [N, D]
  int64_t dimensions = 0;
};

// `location` is FILE.npy (float32 or float64 [N, D] in C order, rows in item order),
// FILE.h5:/dataset (the same) or FILE.parquet, whose rows are matched by `id_column`; items without
// a row and rows without an item are counted in the log. Throws Error naming the file, what was
// expected and found: another type or row count, a value that is not finite, an id given twice, no
// id in common.
ItemVectors read_item_vectors(const std::string& location, const std::string& id_column,
                              const std::string& vector_column,
                              const std::vector<std::string>& item_id);

}  // namespace serendip
