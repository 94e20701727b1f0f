// Numbers and tables as a terminal shows them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

std::string bytes_text(double bytes);       // "1.5 GiB"
std::string count_text(double count);       // "1.50 T", "12,345" below a million
std::string duration_text(double seconds);  // "12.3 s", "4 min 05 s", "3 h 20 min", "12.5 days"
// A JSON value in few characters; "-" for null, four digits of a float.
std::string value_text(const nlohmann::json& value);

// Rows of cells, columns padded to their widest cell; the first column to the left, the others to
// the right where `numeric`, else to the left. Lines carry no trailing blanks.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, bool numeric);

// "key  value" a line, nested keys joined by dots, arrays of objects by their length.
std::string key_value_lines(const nlohmann::json& object);
// The object's own numbers and strings as "key value, key value", up to `width` characters.
std::string headline(const nlohmann::json& object, size_t width);

}  // namespace serendip
