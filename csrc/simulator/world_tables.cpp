#include "simulator/world_tables.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using Arrays = std::vector<std::shared_ptr<arrow::Array>>;

void check_status(const arrow::Status& status, const std::string& path) {
  SERENDIP_CHECK(status.ok(), "{}: cannot write: {}", path, status.message());
}

template <typename T>
T value_of(arrow::Result<T> result, const std::string& path) {
  check_status(result.status(), path);
  return std::move(result).ValueUnsafe();
}

// `value(row)` of each row.
template <typename Builder, typename Rows, typename Value>
std::shared_ptr<arrow::Array> column_of(const Rows& rows, const Value& value,
                                        const std::string& path) {
  Builder builder;
  check_status(builder.Reserve(static_cast<int64_t>(rows.size())), path);
  for (const auto& row : rows) check_status(builder.Append(value(row)), path);
  return value_of(builder.Finish(), path);
}

}  // namespace

struct ParquetTable::File {
  File(const fs::path& where, std::shared_ptr<arrow::Schema> columns)
      : path(where.string()),
        schema(std::move(columns)),
        out(value_of(arrow::io::FileOutputStream::Open(path), path)),
        writer(value_of(
            parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), out), path)) {}

  void append(const Arrays& columns) const {
    const auto table = arrow::Table::Make(schema, columns);
    if (table->num_rows() > 0) check_status(writer->WriteTable(*table, table->num_rows()), path);
  }

  std::string path;
  std::shared_ptr<arrow::Schema> schema;
  std::shared_ptr<arrow::io::FileOutputStream> out;
  std::unique_ptr<parquet::arrow::FileWriter> writer;
};

ParquetTable::ParquetTable(std::unique_ptr<File> file) : file_(std::move(file)) {}
ParquetTable::~ParquetTable() = default;

void ParquetTable::close() {
  check_status(file_->writer->Close(), file_->path);
  check_status(file_->out->Close(), file_->path);
}

EventTable::EventTable(const fs::path& path)
    : ParquetTable(std::make_unique<File>(
          path,
          arrow::schema(
              {arrow::field("user_id", arrow::int64()), arrow::field("item_id", arrow::int64()),
               arrow::field("timestamp", arrow::int64()), arrow::field("reward", arrow::float32()),
               arrow::field("watch_seconds", arrow::float32())}))) {}

void EventTable::append(std::span<const Interaction> events) {
  const auto integers = [&](const auto& value) {
    return column_of<arrow::Int64Builder>(events, value, file_->path);
  };
  const auto floats = [&](const auto& value) {
    return column_of<arrow::FloatBuilder>(events, value, file_->path);
  };
  file_->append({integers([](const Interaction& it) { return it.user; }),
                 integers([](const Interaction& it) { return it.item; }),
                 integers([](const Interaction& it) { return it.time; }),
                 floats([](const Interaction& it) { return it.liked ? 1.0f : 0.0f; }),
                 floats([](const Interaction& it) { return it.watch_seconds; })});
}

ItemTable::ItemTable(const fs::path& path)
    : ParquetTable(
          std::make_unique<File>(path, arrow::schema({arrow::field("item_id", arrow::int64()),
                                                      arrow::field("title", arrow::utf8()),
                                                      arrow::field("tags", arrow::utf8())}))) {}

void ItemTable::append(std::span<const WorldItemText> items) {
  const auto strings = [&](const auto& value) {
    return column_of<arrow::StringBuilder>(items, value, file_->path);
  };
  const auto next_id = [this](const WorldItemText&) { return rows_++; };
  file_->append({column_of<arrow::Int64Builder>(items, next_id, file_->path),
                 strings([](const WorldItemText& it) -> const std::string& { return it.title; }),
                 strings([](const WorldItemText& it) -> const std::string& { return it.tags; })});
}

NpyTable::NpyTable(const fs::path& path, int64_t rows, int64_t dimensions)
    : path_(path.string()), out_(path, std::ios::binary), missing_(rows * dimensions) {
  constexpr size_t kStart = 10, kAlignment = 64;  // magic, version and length; of the data
  std::string header = fmt::format(
      "{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, dimensions);
  header.append(kAlignment - (kStart + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  out_ << "\x93NUMPY" << '\x01' << '\0' << static_cast<char>(header.size() % 256)
       << static_cast<char>(header.size() / 256) << header;
}

void NpyTable::append(std::span<const float> values) {
  missing_ -= static_cast<int64_t>(values.size());
  out_.write(reinterpret_cast<const char*>(values.data()),
             static_cast<std::streamsize>(values.size_bytes()));
  SERENDIP_CHECK(out_.good(), "{}: cannot write: {}", path_, strerror(errno));
}

void NpyTable::close() {
  out_.close();
  SERENDIP_CHECK(out_.good(), "{}: cannot write: {}", path_, strerror(errno));
  SERENDIP_CHECK(missing_ == 0, "{}: {} values are missing", path_, missing_);
}

}  // namespace serendip
