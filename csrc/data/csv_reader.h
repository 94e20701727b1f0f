// Delimited text, as RFC 4180 has it, plain or gzip'd.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/table_reader.h"

namespace serendip {

// Quoted fields may hold delimiters, doubled quotes and line ends, whatever the delimiter; lines
// end in LF or CRLF; a byte order mark and blank lines are skipped. A row with more or fewer fields
// than the header, or text after a closing quote, gets a problem. Throws Error for an empty file, a
// quote left open and damaged gzip data.
//   delimiter  one character, or one twice ("::")
//   header     the columns of a file without a header line; empty: its first line names them
std::unique_ptr<TableReader> open_csv(const std::filesystem::path& path,
                                      const std::vector<std::string>& columns,
                                      const std::string& delimiter,
                                      const std::vector<std::string>& header);

}  // namespace serendip
