#include "base/quantity_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

namespace serendip {
namespace {

std::string with_separators(int64_t value) {
  std::string digits = std::to_string(value);
  const int64_t first = value < 0 ? 1 : 0;
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<size_t>(at), 1, ',');
  return digits;
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string count_text(double count) {
  if (count < 1e6) return with_separators(std::llround(count));
  constexpr std::array<const char*, 6> kUnits = {"M", "G", "T", "P", "E", "Z"};
  size_t unit = 0;
  for (count /= 1e6; count >= 1000 && unit + 1 < kUnits.size(); ++unit) count /= 1000;
  return fmt::format("{:.2f} {}", count, kUnits[unit]);
}

std::string duration_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{:.1f} days", seconds / 86400);
}

std::string value_text(const nlohmann::json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.4g}", value.get<double>());
  if (value.is_number_integer()) return with_separators(value.get<int64_t>());
  const bool nested = value.is_array() && !value.empty() && value.front().is_structured();
  if (nested) return fmt::format("{} entries", value.size());
  if (!value.is_array()) return value.dump();
  std::vector<std::string> parts;
  for (const auto& entry : value)
    parts.push_back(entry.is_number_float() ? value_text(entry) : entry.dump());
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace serendip
