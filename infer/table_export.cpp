#include "infer/table_export.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/check.h"
#include "base/file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

void check_status(const arrow::Status& status, const fs::path& path) {
  SERENDIP_CHECK(status.ok(), "{}: cannot write Parquet: {}", path.string(), status.message());
}

// One label of one context.
struct Row {
  std::vector<int32_t> context;
  int32_t rank, label;
  float log_prob, probability_low, probability_high;
};

template <typename Visit>
void for_each_row(const PairTable& table, const Visit& visit) {
  for (int64_t r = 0; r < table.rows(); ++r) {
    Row row;
    row.context = table.contexts[r];
    for (int64_t rank = 0; rank < table.k; ++rank) {
      const auto entry = static_cast<size_t>(r * table.k + rank);
      row.rank = static_cast<int32_t>(rank + 1);
      row.label = table.label[entry];
      row.log_prob = table.log_prob[entry];
      row.probability_low = table.probability_low[entry];
      row.probability_high = table.probability_high[entry];
      if (row.label != PairTable::kNoLabel) visit(row);
    }
  }
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

void write_csv(const PairTable& table, const std::vector<std::string>& descriptions,
               const fs::path& path) {
  std::ofstream out(path, std::ios::binary);
  for (int64_t i = 1; i <= table.contexts.context_size(); ++i) out << fmt::format("context_{},", i);
  out << "rank,label,log_prob,probability_low,probability_high"
      << (descriptions.empty() ? "\n" : ",description\n");
  for_each_row(table, [&](const Row& row) {
    for (const int32_t cluster : row.context) out << cluster << ',';
    out << fmt::format("{},{},{},{},{}", row.rank, row.label, row.log_prob, row.probability_low,
                       row.probability_high);
    if (!descriptions.empty()) out << ',' << quoted(descriptions[static_cast<size_t>(row.label)]);
    out << '\n';
  });
  out.flush();
  SERENDIP_CHECK(out.good(), "{}: cannot write: {}", path.string(), strerror(errno));
}

void write_parquet(const PairTable& table, const std::vector<std::string>& descriptions,
                   const fs::path& path) {
  std::vector<arrow::Int32Builder> context(static_cast<size_t>(table.contexts.context_size()));
  arrow::Int32Builder rank, label;
  arrow::FloatBuilder log_prob, probability_low, probability_high;
  arrow::StringBuilder description;
  for_each_row(table, [&](const Row& row) {
    for (size_t i = 0; i < context.size(); ++i)
      check_status(context[i].Append(row.context[i]), path);
    check_status(rank.Append(row.rank), path);
    check_status(label.Append(row.label), path);
    check_status(log_prob.Append(row.log_prob), path);
    check_status(probability_low.Append(row.probability_low), path);
    check_status(probability_high.Append(row.probability_high), path);
    if (!descriptions.empty())
      check_status(description.Append(descriptions[static_cast<size_t>(row.label)]), path);
  });
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  const auto add = [&](const std::string& name, arrow::ArrayBuilder& builder) {
    std::shared_ptr<arrow::Array> array;
    check_status(builder.Finish(&array), path);
    fields.push_back(arrow::field(name, array->type(), /*nullable=*/false));
    arrays.push_back(array);
  };
  for (size_t i = 0; i < context.size(); ++i) add(fmt::format("context_{}", i + 1), context[i]);
  add("rank", rank);
  add("label", label);
  add("log_prob", log_prob);
  add("probability_low", probability_low);
  add("probability_high", probability_high);
  if (!descriptions.empty()) add("description", description);
  const auto columns = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto file = arrow::io::FileOutputStream::Open(path.string());
  check_status(file.status(), path);
  check_status(parquet::arrow::WriteTable(*columns, arrow::default_memory_pool(), *file), path);
  check_status((*file)->Close(), path);
}

}  // namespace

void export_table(const PairTable& table, const std::vector<std::string>& descriptions,
                  const fs::path& target) {
  SERENDIP_CHECK(
      descriptions.empty() || static_cast<int64_t>(descriptions.size()) == table.cluster_count(),
      "{}: expected descriptions of {} clusters, got {}", target.string(), table.cluster_count(),
      descriptions.size());
  const std::string ending = target.extension().string();
  SERENDIP_CHECK(ending == ".csv" || ending == ".parquet",
                 "{}: expected a name that ends with .csv or .parquet", target.string());
  write_atomically(target, [&](const fs::path& temporary) {
    ending == ".csv" ? write_csv(table, descriptions, temporary)
                     : write_parquet(table, descriptions, temporary);
  });
}

}  // namespace serendip
