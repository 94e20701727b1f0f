#include "infer/pair_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/hash.h"
#include "base/hdf5_file.h"

namespace serendip {
namespace {

bool is_all_pairs(const ContextList& contexts) {
  return contexts.is_all() && contexts.context_size() == 2;
}

std::vector<int32_t> all_contexts(const ContextList& contexts) {
  if (!contexts.is_all()) return contexts.contexts();
  std::vector<int32_t> result;
  for (int64_t row = 0; row < contexts.rows(); ++row)
    for (const int32_t cluster : contexts[row]) result.push_back(cluster);
  return result;
}

}  // namespace

std::string descriptions_hash(const std::vector<std::string>& descriptions) {
  return hash_hex(fmt::format("{}", fmt::join(descriptions, "\n")));
}

ContextList load_table_contexts(const Hdf5File& file, const std::string& path, int64_t rows) {
  if (!file.has("/context")) {
    const auto clusters = std::llround(std::sqrt(static_cast<double>(rows)));
    SERENDIP_CHECK(clusters * clusters == rows,
                   "{}: /label: expected a square number of rows, got {}", path, rows);
    return ContextList::all(clusters, 2);
  }
  const std::vector<int64_t> shape = file.shape("/context");
  SERENDIP_CHECK(shape.size() == 2 && shape[0] == rows && shape[1] > 0,
                 "{}: /context: expected {} rows of clusters, got {}", path, rows,
                 fmt::join(shape, " x "));
  const std::vector<int32_t> contexts = file.read<int32_t>("/context");
  const std::vector<int64_t> clusters = file.read<int64_t>("/clusters");
  SERENDIP_CHECK(clusters.size() == 1, "{}: /clusters: expected 1 number, got {}", path,
                 clusters.size());
  ContextList list = ContextList::listed(clusters[0], shape[1], contexts);
  SERENDIP_CHECK(list.contexts() == contexts, "{}: /context: expected distinct rows, ascending",
                 path);
  return list;
}

void check_descriptions(const PairTable& table, const std::vector<std::string>& descriptions,
                        const std::filesystem::path& path) {
  check_descriptions(table.cluster_count(), table.hashes, descriptions, path);
}

void check_descriptions(int64_t cluster_count, const std::map<std::string, std::string>& hashes,
                        const std::vector<std::string>& descriptions,
                        const std::filesystem::path& path) {
  SERENDIP_CHECK(cluster_count == static_cast<int64_t>(descriptions.size()),
                 "{}: expected a table of {} clusters, got {}; run `serendip generate` again",
                 path.string(), descriptions.size(), cluster_count);
  const auto made_for = hashes.find("descriptions");
  const std::string expected = descriptions_hash(descriptions);
  SERENDIP_CHECK(
      made_for == hashes.end() || made_for->second == expected,
      "{}: expected a table for the descriptions {} of this tree, got one for {}; run `serendip "
      "generate` again",
      path.string(), expected, made_for->second);
}

PairTable load_pair_table(const std::filesystem::path& path) {
  const Hdf5File file = Hdf5File::open(path);
  const std::vector<int64_t> shape = file.shape("/label");
  SERENDIP_CHECK(shape.size() == 2, "{}: /label: expected 2 dimensions, got {}", path.string(),
                 shape.size());
  PairTable table;
  table.k = shape[1];
  table.contexts = load_table_contexts(file, path.string(), shape[0]);
  table.label = file.read<int32_t>("/label");
  if (file.dtype("/label") == "u16")
    for (int32_t& label : table.label)
      if (label == UINT16_MAX) label = PairTable::kNoLabel;
  for (const int32_t label : table.label)
    SERENDIP_CHECK(PairTable::kNoLabel <= label && label < table.cluster_count(),
                   "{}: /label: expected values below {}, got {}", path.string(),
                   table.cluster_count(), label);
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
    if (!is_all_pairs(table.contexts)) {
      file.write<int64_t>("/clusters", std::vector<int64_t>{table.cluster_count()}, {1});
      file.write<int32_t>("/context", all_contexts(table.contexts),
                          {table.rows(), table.contexts.context_size()});
    }
    if (table.cluster_count() < UINT16_MAX) {
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
