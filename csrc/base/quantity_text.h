// Quantities as people read them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace serendip {

std::string bytes_text(double bytes);       // "1.5 GiB"
std::string count_text(double count);       // "1.50 T", "12,345" below a million
std::string duration_text(double seconds);  // "12.3 s", "4 min 05 s", "3 h 20 min", "12.5 days"
// A JSON value in few characters; "-" for null, four digits of a float.
std::string value_text(const nlohmann::json& value);

}  // namespace serendip
