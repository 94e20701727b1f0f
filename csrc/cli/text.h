// Tables as a terminal shows them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/quantity_text.h"

namespace serendip {

// Rows of cells, columns padded to their widest cell; the first column to the left, the others to
// the right where `numeric`, else to the left. Lines carry no trailing blanks.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, bool numeric);

// "key  value" a line, nested keys joined by dots, arrays of objects by their length.
std::string key_value_lines(const nlohmann::json& object);
// The object's own numbers and strings as "key value, key value", up to `width` characters.
std::string headline(const nlohmann::json& object, size_t width);

}  // namespace serendip
