#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace serendip {
namespace {

// Columns of a terminal, for UTF-8 without wide characters.
size_t display_width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void collect(const std::string& prefix, const nlohmann::json& value,
             std::vector<std::vector<std::string>>& rows) {
  for (const auto& [key, entry] : value.items()) {
    const std::string name = prefix.empty() ? key : prefix + "." + key;
    if (entry.is_object()) {
      collect(name, entry, rows);
    } else {
      rows.push_back({name, value_text(entry)});
    }
  }
}

}  // namespace

std::string align_columns(const std::vector<std::vector<std::string>>& rows, bool numeric) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], display_width(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - display_width(row[c]), ' ');
      line += (c > 0 ? "  " : "") + (numeric && c > 0 ? padding + row[c] : row[c] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string key_value_lines(const nlohmann::json& object) {
  std::vector<std::vector<std::string>> rows;
  collect("", object, rows);
  return align_columns(rows, false);
}

std::string headline(const nlohmann::json& object, size_t width) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    if (value.is_structured()) continue;
    const std::string part =
        fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value_text(value));
    if (display_width(text) + display_width(part) > width) break;
    text += part;
  }
  return text;
}

}  // namespace serendip
