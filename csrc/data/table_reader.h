// Tables of named text columns, row by row, whatever the file: delimited text (gzip'd or not),
// Parquet, or a folder of such parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace serendip {

struct TableRow {
  std::vector<std::string> fields;  // the columns asked for, in the order asked
  int64_t number = 0;               // from 1: the line it starts on (text) or the row (Parquet)
  std::string problem;              // why the row cannot be used; empty when it can
};

// One open file.
class TableReader {
 public:
  virtual ~TableReader() = default;
  // Fills `row`, reusing its strings; false at the end.
  virtual bool next(TableRow& row) = 0;
};

// How files of text differ from what their extension says.
struct TextFormat {
  std::string delimiter = {};            // one character, "\\t" or one twice ("::")
  std::vector<std::string> header = {};  // the columns of files without a header line
  bool sequences = false;                // lines as open_sequences() has them, no table
};

// The file itself, or a folder's files in name order, without names that begin with '.' or '_'.
// Throws Error where there are none.
std::vector<std::filesystem::path> table_parts(const std::filesystem::path& path);

// Calls `consume(row)` for each row of the file. By extension, after an optional .gz: .csv (comma),
// .tsv .inter .item .user (tab), .parquet .pq. A column matches a header name with or without a
// ":type" suffix (RecBole's atomic files); a column asked for as "" yields "". A row with a NUL
// byte or text that is not UTF-8 gets a problem. Throws Error for a missing file or column (naming
// the columns present) or a broken file.
void read_part(const std::filesystem::path& part, const std::vector<std::string>& columns,
               const TextFormat& format, const std::function<void(const TableRow& row)>& consume);

// The same for all parts of `path`.
void read_table(
    const std::filesystem::path& path, const std::vector<std::string>& columns,
    const TextFormat& format,
    const std::function<void(const std::filesystem::path& part, const TableRow& row)>& consume);

// For the readers: the index in `header` of each column, -1 for "". Throws as above.
std::vector<int> find_columns(const std::filesystem::path& path,
                              const std::vector<std::string>& header,
                              const std::vector<std::string>& columns);

}  // namespace serendip
