// Parquet files: columns as text, and vectors. Arrow stays behind this header.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/table_reader.h"

namespace serendip {

// Reads batch by batch, the asked columns only. Numbers become their shortest text, timestamps
// seconds since 1970, lists their entries joined by spaces, nulls "". Throws Error for other types
// and for broken files.
std::unique_ptr<TableReader> open_parquet(const std::filesystem::path& path,
                                          const std::vector<std::string>& columns);

// Calls `consume` with each row's id and vector: a list or fixed-size list column of float or
// double. Throws Error for a null or another type.
void read_parquet_vectors(
    const std::filesystem::path& path, const std::string& id_column,
    const std::string& vector_column,
    const std::function<void(const std::string& id, const std::vector<float>& vector)>& consume);

}  // namespace serendip
