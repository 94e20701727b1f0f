// Writes small Parquet files for tests.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

// Columns: user string, item int64, time timestamp[ms], rating float64; in row groups of two rows.
struct ParquetEvents {
  std::vector<std::string> user;  // "" becomes a null
  std::vector<int64_t> item, milliseconds;
  std::vector<double> rating;
};
void write_parquet_events(const std::filesystem::path& path, const ParquetEvents& events);

// Columns: item int64, name dictionary<string>, tags list<string>.
void write_parquet_items(const std::filesystem::path& path, const std::vector<int64_t>& item,
                         const std::vector<std::string>& name,
                         const std::vector<std::vector<std::string>>& tags);

enum class VectorType { kFloatList, kDoubleList, kFixedFloatList, kIntList };
// Columns: item_id string, embedding.
void write_parquet_vectors(const std::filesystem::path& path, const std::vector<std::string>& item,
                           const std::vector<std::vector<float>>& vectors, VectorType type);

}  // namespace serendip
