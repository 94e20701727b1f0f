#include "data/parquet_reader.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>
#include <parquet/arrow/schema.h>
#include <parquet/properties.h>

#include <algorithm>
#include <type_traits>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kBatchRows = 1 << 14;

void check_status(const arrow::Status& status, const fs::path& path) {
  if (status.ok()) return;
  std::string message = status.message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  fail("{}: cannot read Parquet: {}", path.string(), message);
}

template <typename T>
T value_of(arrow::Result<T> result, const fs::path& path) {
  check_status(result.status(), path);
  return std::move(result).ValueOrDie();
}

void collect_leaves(const parquet::arrow::SchemaField& field, std::vector<int>& leaves) {
  if (field.is_leaf()) leaves.push_back(field.column_index);
  for (const auto& child : field.children) collect_leaves(child, leaves);
}

// The asked columns of one file, batch by batch.
class ColumnBatches {
 public:
  ColumnBatches(const fs::path& path, const std::vector<std::string>& columns) : path_(path) {
    parquet::ArrowReaderProperties properties(/*use_threads=*/false);
    properties.set_batch_size(kBatchRows);
    properties.set_pre_buffer(false);
    parquet::ReaderProperties low_level;
    low_level.enable_buffered_stream();
    parquet::arrow::FileReaderBuilder builder;
    check_status(
        builder.Open(value_of(arrow::io::ReadableFile::Open(path.string()), path), low_level),
        path);
    file_ = value_of(builder.properties(properties)->Build(), path);

    const auto& fields = file_->manifest().schema_fields;
    std::vector<std::string> header;
    for (const auto& field : fields) header.push_back(field.field->name());
    std::vector<int> leaves, row_groups;
    for (const int index : find_columns(path, header, columns)) {
      names_.push_back(index < 0 ? "" : header[static_cast<size_t>(index)]);
      if (index >= 0) collect_leaves(fields[static_cast<size_t>(index)], leaves);
    }
    std::sort(leaves.begin(), leaves.end());
    leaves.erase(std::unique(leaves.begin(), leaves.end()), leaves.end());
    for (int group = 0; group < file_->num_row_groups(); ++group) row_groups.push_back(group);
    batches_ = value_of(file_->GetRecordBatchReader(row_groups, leaves), path);
  }

  // The next batch's columns, null for one asked as ""; empty at the end.
  std::vector<std::shared_ptr<arrow::Array>> next() {
    do {
      check_status(batches_->ReadNext(&batch_), path_);
      if (batch_ == nullptr) return {};
    } while (batch_->num_rows() == 0);
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const std::string& name : names_)
      arrays.push_back(name.empty() ? nullptr : batch_->GetColumnByName(name));
    return arrays;
  }
  int64_t rows() const { return batch_->num_rows(); }

 private:
  fs::path path_;
  std::unique_ptr<parquet::arrow::FileReader> file_;
  std::unique_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::vector<std::string> names_;
};

template <typename Array>
void append_number(const arrow::Array& array, int64_t row, std::string& text) {
  const auto value = static_cast<const Array&>(array).Value(row);
  if constexpr (std::is_floating_point_v<std::remove_cv_t<decltype(value)>>)
    fmt::format_to(std::back_inserter(text), "{}", value);
  else
    text += fmt::format_int(value).c_str();
}

void append_seconds(const arrow::Array& array, int64_t row, std::string& text) {
  const int64_t value = static_cast<const arrow::TimestampArray&>(array).Value(row);
  const auto unit = static_cast<const arrow::TimestampType&>(*array.type()).unit();
  const int64_t per_second = unit == arrow::TimeUnit::SECOND  ? 1
                             : unit == arrow::TimeUnit::MILLI ? 1000
                             : unit == arrow::TimeUnit::MICRO ? 1000000
                                                              : 1000000000;
  const int64_t seconds = value / per_second - (value % per_second < 0);
  fmt::format_to(std::back_inserter(text), "{}", seconds);
}

void append_text(const arrow::Array& array, int64_t row, std::string& text, const fs::path& path);

template <typename ListArray>
void append_list(const arrow::Array& array, int64_t row, std::string& text, const fs::path& path) {
  const auto& list = static_cast<const ListArray&>(array);
  const int64_t begin = list.value_offset(row), end = begin + list.value_length(row);
  for (int64_t entry = begin; entry < end; ++entry) {
    if (entry > begin) text += ' ';
    append_text(*list.values(), entry, text, path);
  }
}

void append_text(const arrow::Array& array, int64_t row, std::string& text, const fs::path& path) {
  if (array.IsNull(row)) return;
  switch (array.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      text += static_cast<const arrow::BinaryArray&>(array).GetView(row);
      return;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      text += static_cast<const arrow::LargeBinaryArray&>(array).GetView(row);
      return;
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      return append_text(*coded.dictionary(), coded.GetValueIndex(row), text, path);
    }
    case arrow::Type::LIST:
      return append_list<arrow::ListArray>(array, row, text, path);
    case arrow::Type::LARGE_LIST:
      return append_list<arrow::LargeListArray>(array, row, text, path);
    case arrow::Type::BOOL:
      text += static_cast<const arrow::BooleanArray&>(array).Value(row) ? '1' : '0';
      return;
    case arrow::Type::INT8:
      return append_number<arrow::Int8Array>(array, row, text);
    case arrow::Type::INT16:
      return append_number<arrow::Int16Array>(array, row, text);
    case arrow::Type::INT32:
      return append_number<arrow::Int32Array>(array, row, text);
    case arrow::Type::INT64:
      return append_number<arrow::Int64Array>(array, row, text);
    case arrow::Type::UINT8:
      return append_number<arrow::UInt8Array>(array, row, text);
    case arrow::Type::UINT16:
      return append_number<arrow::UInt16Array>(array, row, text);
    case arrow::Type::UINT32:
      return append_number<arrow::UInt32Array>(array, row, text);
    case arrow::Type::UINT64:
      return append_number<arrow::UInt64Array>(array, row, text);
    case arrow::Type::FLOAT:
      return append_number<arrow::FloatArray>(array, row, text);
    case arrow::Type::DOUBLE:
      return append_number<arrow::DoubleArray>(array, row, text);
    case arrow::Type::TIMESTAMP:
      return append_seconds(array, row, text);
    default:
      fail("{}: a column of type {} cannot be read as text", path.string(),
           array.type()->ToString());
  }
}

class ParquetReader : public TableReader {
 public:
  ParquetReader(const fs::path& path, const std::vector<std::string>& columns)
      : path_(path), batches_(path, columns), column_count_(columns.size()) {}

  bool next(TableRow& row) override {
    if (position_ == end_) {
      arrays_ = batches_.next();
      if (arrays_.empty()) return false;
      position_ = 0;
      end_ = batches_.rows();
    }
    row.number = ++row_number_;
    row.problem.clear();
    row.fields.resize(column_count_);
    for (size_t column = 0; column < column_count_; ++column) {
      row.fields[column].clear();
      if (arrays_[column]) append_text(*arrays_[column], position_, row.fields[column], path_);
    }
    ++position_;
    return true;
  }

 private:
  fs::path path_;
  ColumnBatches batches_;
  size_t column_count_;
  std::vector<std::shared_ptr<arrow::Array>> arrays_;
  int64_t position_ = 0, end_ = 0, row_number_ = 0;
};

// The entries of a list-like column's row: their array, first index and count.
struct ListSlice {
  const arrow::Array* values;
  int64_t begin, length;
};

ListSlice list_slice(const arrow::Array& array, int64_t row, const fs::path& path) {
  const auto slice = [&](const auto& list) {
    return ListSlice{list.values().get(), list.value_offset(row), list.value_length(row)};
  };
  switch (array.type_id()) {
    case arrow::Type::LIST:
      return slice(static_cast<const arrow::ListArray&>(array));
    case arrow::Type::LARGE_LIST:
      return slice(static_cast<const arrow::LargeListArray&>(array));
    case arrow::Type::FIXED_SIZE_LIST:
      return slice(static_cast<const arrow::FixedSizeListArray&>(array));
    default:
      fail("{}: vectors of type {}, expected a list of float or double", path.string(),
           array.type()->ToString());
  }
}

void copy_vector(const arrow::Array& array, int64_t row, std::vector<float>& vector,
                 const fs::path& path) {
  const ListSlice slice = list_slice(array, row, path);
  vector.resize(static_cast<size_t>(slice.length));
  for (int64_t entry = 0; entry < slice.length; ++entry) {
    const int64_t index = slice.begin + entry;
    SERENDIP_CHECK(!slice.values->IsNull(index), "{}: a vector holds a null", path.string());
    float& value = vector[static_cast<size_t>(entry)];
    if (slice.values->type_id() == arrow::Type::FLOAT)
      value = static_cast<const arrow::FloatArray&>(*slice.values).Value(index);
    else if (slice.values->type_id() == arrow::Type::DOUBLE)
      value =
          static_cast<float>(static_cast<const arrow::DoubleArray&>(*slice.values).Value(index));
    else
      fail("{}: vectors of {}, expected float or double", path.string(),
           slice.values->type()->ToString());
  }
}

}  // namespace

std::unique_ptr<TableReader> open_parquet(const fs::path& path,
                                          const std::vector<std::string>& columns) {
  return std::make_unique<ParquetReader>(path, columns);
}

void read_parquet_vectors(
    const fs::path& path, const std::string& id_column, const std::string& vector_column,
    const std::function<void(const std::string&, const std::vector<float>&)>& consume) {
  ColumnBatches batches(path, {id_column, vector_column});
  std::string id;
  std::vector<float> vector;
  for (auto arrays = batches.next(); !arrays.empty(); arrays = batches.next()) {
    for (int64_t row = 0; row < batches.rows(); ++row) {
      id.clear();
      append_text(*arrays[0], row, id, path);
      SERENDIP_CHECK(!arrays[1]->IsNull(row), "{}: item '{}' has a null vector", path.string(), id);
      copy_vector(*arrays[1], row, vector, path);
      consume(id, vector);
    }
  }
}

}  // namespace serendip
