#include "data/vectors.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "base/log.h"
#include "data/parquet_reader.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kNpyMagic = "\x93NUMPY";

// What follows "'key':" in the header's Python dictionary, up to `end`.
std::string npy_field(const std::string& header, const std::string& key, char end) {
  const size_t found = header.find("'" + key + "':");
  if (found == std::string::npos) return {};
  size_t begin = found + key.size() + 3;
  while (begin < header.size() && header[begin] == ' ') ++begin;
  return header.substr(begin, header.find(end, begin) - begin);
}

void check_rows(const std::string& location, int64_t rows, size_t items) {
  SERENDIP_CHECK(rows == static_cast<int64_t>(items),
                 "{}: {} rows, expected {}: one an item, in item order", location, rows, items);
}

template <typename T>
void read_values(std::ifstream& in, const std::string& path, std::vector<float>& values) {
  std::vector<T> block(1 << 16);
  for (size_t done = 0; done < values.size(); done += block.size()) {
    block.resize(std::min(block.size(), values.size() - done));
    in.read(reinterpret_cast<char*>(block.data()),
            static_cast<std::streamsize>(block.size() * sizeof(T)));
    SERENDIP_CHECK(in.good(), "{}: ends early: expected {} values of {} bytes", path, values.size(),
                   sizeof(T));
    std::transform(block.begin(), block.end(), values.begin() + static_cast<std::ptrdiff_t>(done),
                   [](T value) { return static_cast<float>(value); });
  }
}

// Format: numpy.lib.format, versions 1 to 3.
ItemVectors read_npy(const std::string& path, size_t items) {
  std::ifstream in(path, std::ios::binary);
  SERENDIP_CHECK(in.good(), "{}: cannot open: {}", path, strerror(errno));
  unsigned char start[12] = {};
  in.read(reinterpret_cast<char*>(start), 10);
  SERENDIP_CHECK(in.good() && std::memcmp(start, kNpyMagic.data(), kNpyMagic.size()) == 0,
                 "{}: not a .npy file", path);
  size_t length = start[8] + 256u * start[9];
  if (start[6] >= 2) {
    in.read(reinterpret_cast<char*>(start + 10), 2);
    length += 65536u * start[10] + 16777216u * start[11];
  }
  std::string header(std::min<size_t>(length, 1 << 20), ' ');
  in.read(header.data(), static_cast<std::streamsize>(header.size()));
  const std::string type = npy_field(header, "descr", ','),
                    order = npy_field(header, "fortran_order", ',');
  const std::string shape = npy_field(header, "shape", ')');
  long long rows = -1, columns = -1;
  SERENDIP_CHECK(in.good() && (type == "'<f4'" || type == "'<f8'") && order == "False" &&
                     std::sscanf(shape.c_str(), "(%lld, %lld", &rows, &columns) == 2 &&
                     std::count(shape.begin(), shape.end(), ',') == 1 && columns >= 1,
                 "{}: expected float32 or float64 [items, dimensions] in C order, got descr {}, "
                 "fortran_order {}, shape {})",
                 path, type, order, shape);
  check_rows(path, rows, items);
  ItemVectors vectors{std::vector<float>(items * static_cast<size_t>(columns)), columns};
  if (type == "'<f4'")
    read_values<float>(in, path, vectors.values);
  else
    read_values<double>(in, path, vectors.values);
  return vectors;
}

ItemVectors read_h5(const std::string& path, const std::string& dataset, size_t items) {
  const Hdf5File file = Hdf5File::open(path);
  const std::vector<int64_t> shape = file.shape(dataset);
  SERENDIP_CHECK(shape.size() == 2 && shape[1] >= 1 && file.dtype(dataset)[0] == 'f',
                 "{}: dataset '{}' is {} [{}], expected floats [items, dimensions]", path, dataset,
                 file.dtype(dataset), fmt::join(shape, ", "));
  check_rows(path + ":" + dataset, shape[0], items);
  return {file.read<float>(dataset), shape[1]};
}

ItemVectors read_parquet(const std::string& path, const std::string& id_column,
                         const std::string& vector_column,
                         const std::vector<std::string>& item_id) {
  std::unordered_map<std::string, size_t> number;
  for (size_t item = 0; item < item_id.size(); ++item) number.emplace(item_id[item], item);
  ItemVectors vectors;
  std::vector<bool> seen(item_id.size(), false);
  size_t matched = 0, unknown = 0;
  read_parquet_vectors(
      path, id_column, vector_column, [&](const std::string& id, const std::vector<float>& vector) {
        if (vectors.dimensions == 0) {
          vectors.dimensions = static_cast<int64_t>(vector.size());
          vectors.values.resize(item_id.size() * vector.size());
        }
        SERENDIP_CHECK(!vector.empty() && static_cast<int64_t>(vector.size()) == vectors.dimensions,
                       "{}: item '{}' has {} dimensions, the first has {}", path, id, vector.size(),
                       vectors.dimensions);
        const auto found = number.find(id);
        if (found == number.end()) {
          ++unknown;
          return;
        }
        SERENDIP_CHECK(!seen[found->second], "{}: item '{}' is given twice", path, id);
        seen[found->second] = true;
        ++matched;
        std::copy(
            vector.begin(), vector.end(),
            vectors.values.begin() + static_cast<std::ptrdiff_t>(found->second * vector.size()));
      });
  SERENDIP_CHECK(matched > 0, "{}: none of its {} ids in column '{}' is an item's", path, unknown,
                 id_column);
  if (matched < item_id.size() || unknown > 0)
    spdlog::warn("{}: {} items have no vector, {} vectors belong to no item", path,
                 item_id.size() - matched, unknown);
  return vectors;
}

}  // namespace

ItemVectors read_item_vectors(const std::string& location, const std::string& id_column,
                              const std::string& vector_column,
                              const std::vector<std::string>& item_id) {
  const size_t colon = location.rfind(":/");
  const fs::path file = location.substr(0, colon);
  const std::string extension = file.extension().string();
  ItemVectors vectors;
  if (extension == ".npy" && colon == std::string::npos)
    vectors = read_npy(location, item_id.size());
  else if ((extension == ".h5" || extension == ".hdf5") && colon != std::string::npos)
    vectors = read_h5(file.string(), location.substr(colon + 1), item_id.size());
  else if ((extension == ".parquet" || extension == ".pq") && colon == std::string::npos)
    vectors = read_parquet(location, id_column, vector_column, item_id);
  else
    fail("embed.vectors '{}': expected FILE.npy, FILE.h5:/dataset or FILE.parquet", location);
  for (size_t i = 0; i < vectors.values.size(); ++i)
    SERENDIP_CHECK(std::isfinite(vectors.values[i]), "{}: the vector of item '{}' holds {}",
                   location, item_id[i / static_cast<size_t>(vectors.dimensions)],
                   vectors.values[i]);
  return vectors;
}

}  // namespace serendip
