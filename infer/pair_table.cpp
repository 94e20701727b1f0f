#include "infer/pair_table.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/hdf5_file.h"

namespace serendip {

PairTable load_pair_table(const std::filesystem::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  const std::vector<int64_t> shape = file.shape("/label");
  SERENDIP_CHECK(shape.size() == 2, "{}: /label: expected 2 dimensions, got {}", path.string(),
                 shape.size());
  PairTable table;
  table.k = shape[1];
  table.cluster_count = std::llround(std::sqrt(static_cast<double>(shape[0])));
  SERENDIP_CHECK(table.cluster_count * table.cluster_count == shape[0],
                 "{}: /label: expected a square number of rows, got {}", path.string(), shape[0]);
  table.label = file.read<int32_t>("/label");
  if (file.dtype("/label") == "u16")
    for (int32_t& label : table.label)
      if (label == UINT16_MAX) label = PairTable::kNoLabel;
  for (const int32_t label : table.label)
    SERENDIP_CHECK(PairTable::kNoLabel <= label && label < table.cluster_count,
                   "{}: /label: expected values below {}, got {}", path.string(),
                   table.cluster_count, label);
  const auto read = [&](const char* name) {
    SERENDIP_CHECK(file.shape(name) == shape, "{}: {}: expected the shape of /label", path.string(),
                   name);
    return file.read<float>(name);
  };
  table.log_prob = read("/log_prob");
  table.probability_low = read("/probability_low");
  table.probability_high = read("/probability_high");
  for (const std::string& key : file.attributes()) table.hashes[key] = file.read_attribute(key);
  return table;
}

void save_pair_table(const PairTable& table, const std::filesystem::path& path) {
  const std::vector<int64_t> shape = {table.rows(), table.k};
  write_hdf5(path, [&](Hdf5File& file) {
    if (table.cluster_count < UINT16_MAX) {
      const std::vector<uint16_t> narrow(table.label.begin(), table.label.end());  // -1 -> 65535
      file.write<uint16_t>("/label", narrow, shape);
    } else {
      file.write<int32_t>("/label", table.label, shape);
    }
    file.write<float>("/log_prob", table.log_prob, shape);
    file.write<float>("/probability_low", table.probability_low, shape);
    file.write<float>("/probability_high", table.probability_high, shape);
    for (const auto& [key, value] : table.hashes) file.write_attribute(key, value);
  });
}

}  // namespace serendip
