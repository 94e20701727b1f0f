#include "data/table_reader.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "data/csv_reader.h"
#include "data/parquet_reader.h"
#include "data/sequence_reader.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

bool is_parquet(const fs::path& path) {
  return path.extension() == ".parquet" || path.extension() == ".pq";
}

std::string delimiter_of(const fs::path& path, const std::string& delimiter) {
  if (delimiter == "\\t") return "\t";
  if (!delimiter.empty()) return delimiter;
  const fs::path extension = path.extension() == ".gz" ? path.stem().extension() : path.extension();
  if (extension == ".csv") return ",";
  for (const char* tabbed : {".tsv", ".inter", ".item", ".user"})
    if (extension == tabbed) return "\t";
  fail(
      "{}: unknown extension '{}': expected .csv, .tsv, .inter, .item, .user (or those with .gz) "
      "or .parquet, or a delimiter in the recipe",
      path.string(), extension.string());
}

std::unique_ptr<TableReader> open_part(const fs::path& path,
                                       const std::vector<std::string>& columns,
                                       const TextFormat& format) {
  if (format.sequences) return open_sequences(path, columns);
  if (is_parquet(path)) return open_parquet(path, columns);
  return open_csv(path, columns, delimiter_of(path, format.delimiter), format.header);
}

// Bytes of the well-formed UTF-8 character at the start of `text`, 0 if there is none (RFC 3629).
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead != 0 ? 1 : 0;
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool overlong = (lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xf0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xed && byte(1) >= 0xa0;
  const bool too_large = lead == 0xf4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

bool is_text(std::string_view text) {
  const auto plain = [](char byte) { return byte > 0; };
  text.remove_prefix(
      static_cast<size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin()));
  while (!text.empty()) {
    const size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

std::vector<fs::path> table_parts(const fs::path& path) {
  SERENDIP_CHECK(fs::exists(path), "{}: no such file or folder", path.string());
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> parts;
  for (auto entry = fs::recursive_directory_iterator(path);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const char first = entry->path().filename().string()[0];
    if (first == '.' || first == '_') {
      if (entry->is_directory()) entry.disable_recursion_pending();
    } else if (entry->is_regular_file()) {
      parts.push_back(entry->path());
    }
  }
  SERENDIP_CHECK(!parts.empty(), "{}: the folder holds no files", path.string());
  std::sort(parts.begin(), parts.end());
  return parts;
}

void read_part(const fs::path& part, const std::vector<std::string>& columns,
               const TextFormat& format, const std::function<void(const TableRow&)>& consume) {
  TableRow row;
  const std::unique_ptr<TableReader> reader = open_part(part, columns, format);
  while (reader->next(row)) {
    for (size_t column = 0; column < columns.size() && row.problem.empty(); ++column)
      if (!is_text(row.fields[column]))
        row.problem = fmt::format("column '{}' is not UTF-8 text", columns[column]);
    consume(row);
  }
}

void read_table(const fs::path& path, const std::vector<std::string>& columns,
                const TextFormat& format,
                const std::function<void(const fs::path&, const TableRow&)>& consume) {
  for (const fs::path& part : table_parts(path))
    read_part(part, columns, format, [&](const TableRow& row) { consume(part, row); });
}

std::vector<int> find_columns(const fs::path& path, const std::vector<std::string>& header,
                              const std::vector<std::string>& columns) {
  std::vector<int> found;
  for (const std::string& column : columns) {
    if (column.empty()) {
      found.push_back(-1);
      continue;
    }
    auto match = std::find(header.begin(), header.end(), column);
    if (match == header.end())
      match = std::find_if(header.begin(), header.end(), [&](const std::string& name) {
        return name.substr(0, name.rfind(':')) == column;
      });
    SERENDIP_CHECK(match != header.end(), "{}: no column '{}'; it has: {}", path.string(), column,
                   fmt::join(header, ", "));
    found.push_back(static_cast<int>(match - header.begin()));
  }
  return found;
}

}  // namespace serendip
