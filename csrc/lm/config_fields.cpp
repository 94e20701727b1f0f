#include "lm/config_fields.h"

#include "base/check.h"
#include "lm/json_file.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr int64_t kLargestSize = int64_t{1} << 31;

}  // namespace

ConfigFields::ConfigFields(const std::filesystem::path& path)
    : where_(path.string()), values_(read_json_object(path)) {}

ConfigFields::ConfigFields(std::string where, json values)
    : where_(std::move(where)), values_(std::move(values)) {}

const json& ConfigFields::at(const std::string& name) const {
  static const json absent;
  const auto found = values_.find(name);
  return found == values_.end() ? absent : *found;
}

ConfigFields ConfigFields::object(const std::string& name) const {
  const json& value = at(name);
  SERENDIP_CHECK(value.is_null() || value.is_object(), "{}: '{}': expected an object, got {}",
                 where_, name, value.dump());
  return {where_ + ": '" + name + "'", value.is_null() ? json::object() : value};
}

int64_t ConfigFields::size(const std::string& name) const {
  const json& value = at(name);
  SERENDIP_CHECK(!value.is_null(), "{}: '{}' is missing", where_, name);
  SERENDIP_CHECK(value.is_number_integer() && value > 0 && value < kLargestSize,
                 "{}: '{}': expected a positive integer, got {}", where_, name, value.dump());
  return value.get<int64_t>();
}

int64_t ConfigFields::size(const std::string& name, int64_t otherwise) const {
  return has(name) ? size(name) : otherwise;
}

int64_t ConfigFields::count(const std::string& name, int64_t otherwise) const {
  return at(name) == 0 ? 0 : size(name, otherwise);
}

double ConfigFields::positive(const std::string& name) const {
  const json& value = at(name);
  SERENDIP_CHECK(!value.is_null(), "{}: '{}' is missing", where_, name);
  SERENDIP_CHECK(value.is_number() && value > 0.0, "{}: '{}': expected a number above 0, got {}",
                 where_, name, value.dump());
  return value.get<double>();
}

double ConfigFields::positive(const std::string& name, double otherwise) const {
  return has(name) ? positive(name) : otherwise;
}

bool ConfigFields::flag(const std::string& name, bool otherwise) const {
  const json& value = at(name);
  if (value.is_null()) return otherwise;
  SERENDIP_CHECK(value.is_boolean(), "{}: '{}': expected true or false, got {}", where_, name,
                 value.dump());
  return value.get<bool>();
}

std::string ConfigFields::text(const std::string& name, const std::string& otherwise) const {
  const json& value = at(name);
  if (value.is_null()) return otherwise;
  SERENDIP_CHECK(value.is_string(), "{}: '{}': expected a string, got {}", where_, name,
                 value.dump());
  return value.get<std::string>();
}

std::vector<int64_t> ConfigFields::token_ids(const std::string& name) const {
  const json& value = at(name);
  std::vector<int64_t> ids;
  if (value.is_null()) return ids;
  for (const json& id : value.is_array() ? value : json::array({value})) {
    SERENDIP_CHECK(id.is_number_integer() && id >= 0 && id < kLargestSize,
                   "{}: '{}': expected a token id or a list of them, got {}", where_, name,
                   value.dump());
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

void ConfigFields::require(const std::string& name, const json& supported) const {
  SERENDIP_CHECK(!has(name) || at(name) == supported, "{}: '{}' is {}; only {} is supported",
                 where_, name, at(name).dump(), supported.dump());
}

}  // namespace serendip
