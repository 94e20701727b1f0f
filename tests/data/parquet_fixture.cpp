#include "tests/data/parquet_fixture.h"

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/writer.h>

#include <memory>

namespace serendip {
namespace {

using ArrayPointer = std::shared_ptr<arrow::Array>;

template <typename Builder>
ArrayPointer finish(Builder& builder) {
  ArrayPointer array;
  PARQUET_THROW_NOT_OK(builder.Finish(&array));
  return array;
}

template <typename Builder, typename Value>
ArrayPointer array_of(const std::vector<Value>& values) {
  Builder builder;
  for (const Value& value : values) PARQUET_THROW_NOT_OK(builder.Append(value));
  return finish(builder);
}

template <typename ListBuilder, typename ValueBuilder, typename Value>
ArrayPointer lists_of(const std::vector<std::vector<Value>>& lists) {
  auto values = std::make_shared<ValueBuilder>();
  ListBuilder builder(arrow::default_memory_pool(), values);
  for (const auto& list : lists) {
    PARQUET_THROW_NOT_OK(builder.Append());
    for (const Value& value : list) {
      if constexpr (std::is_arithmetic_v<Value>)
        PARQUET_THROW_NOT_OK(values->Append(static_cast<typename ValueBuilder::value_type>(value)));
      else
        PARQUET_THROW_NOT_OK(values->Append(value));
    }
  }
  return finish(builder);
}

ArrayPointer fixed_lists_of(const std::vector<std::vector<float>>& lists) {
  auto values = std::make_shared<arrow::FloatBuilder>();
  arrow::FixedSizeListBuilder builder(arrow::default_memory_pool(), values,
                                      static_cast<int32_t>(lists[0].size()));
  for (const auto& list : lists) {
    PARQUET_THROW_NOT_OK(builder.Append());
    PARQUET_THROW_NOT_OK(values->AppendValues(list));
  }
  return finish(builder);
}

void write_table(const std::filesystem::path& path, const std::vector<std::string>& names,
                 const std::vector<ArrayPointer>& arrays) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (size_t column = 0; column < names.size(); ++column)
    fields.push_back(arrow::field(names[column], arrays[column]->type()));
  const auto table = arrow::Table::Make(arrow::schema(fields), arrays);
  const auto out = arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
  // The stored schema keeps dictionaries and fixed-size lists.
  const auto properties = parquet::ArrowWriterProperties::Builder().store_schema()->build();
  PARQUET_THROW_NOT_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), out, 2,
                                                  parquet::default_writer_properties(),
                                                  properties));
  PARQUET_THROW_NOT_OK(out->Close());
}

}  // namespace

void write_parquet_events(const std::filesystem::path& path, const ParquetEvents& events) {
  arrow::StringBuilder user;
  for (const std::string& id : events.user)
    PARQUET_THROW_NOT_OK(id.empty() ? user.AppendNull() : user.Append(id));
  arrow::TimestampBuilder time(arrow::timestamp(arrow::TimeUnit::MILLI),
                               arrow::default_memory_pool());
  PARQUET_THROW_NOT_OK(time.AppendValues(events.milliseconds));
  write_table(path, {"user", "item", "time", "rating"},
              {finish(user), array_of<arrow::Int64Builder>(events.item), finish(time),
               array_of<arrow::DoubleBuilder>(events.rating)});
}

void write_parquet_items(const std::filesystem::path& path, const std::vector<int64_t>& item,
                         const std::vector<std::string>& name,
                         const std::vector<std::vector<std::string>>& tags) {
  write_table(path, {"item", "name", "tags"},
              {array_of<arrow::Int64Builder>(item), array_of<arrow::StringDictionaryBuilder>(name),
               lists_of<arrow::ListBuilder, arrow::StringBuilder>(tags)});
}

void write_parquet_vectors(const std::filesystem::path& path, const std::vector<std::string>& item,
                           const std::vector<std::vector<float>>& vectors, VectorType type) {
  ArrayPointer lists;
  switch (type) {
    case VectorType::kFloatList:
      lists = lists_of<arrow::ListBuilder, arrow::FloatBuilder>(vectors);
      break;
    case VectorType::kDoubleList:
      lists = lists_of<arrow::LargeListBuilder, arrow::DoubleBuilder>(vectors);
      break;
    case VectorType::kFixedFloatList:
      lists = fixed_lists_of(vectors);
      break;
    case VectorType::kIntList:
      lists = lists_of<arrow::ListBuilder, arrow::Int32Builder>(vectors);
      break;
  }
  write_table(path, {"item_id", "embedding"}, {array_of<arrow::StringBuilder>(item), lists});
}

}  // namespace serendip
