#include "report/json_field.h"

#include "base/check.h"
#include "base/file.h"

namespace serendip {

nlohmann::json read_json(const std::filesystem::path& path) {
  try {
    return nlohmann::json::parse(read_file(path));
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not JSON: {}", path.string(), error.what());
  }
}

void JsonField::expect(bool holds, const char* expected) const {
  SERENDIP_CHECK(holds, "{}: expected {}, got {}", where_, expected,
                 value_->is_structured() ? value_->type_name() : value_->dump());
}

JsonField JsonField::at(const std::string& key) const {
  expect(value_->is_object(), "an object");
  SERENDIP_CHECK(value_->contains(key), "{}: expected the field '{}', got none", where_, key);
  const char* separator = where_.ends_with(".json") ? ": " : ".";
  return {value_->at(key), where_ + separator + key};
}

std::optional<JsonField> JsonField::find(const std::string& key) const {
  expect(value_->is_object(), "an object");
  if (!value_->contains(key) || value_->at(key).is_null()) return std::nullopt;
  return at(key);
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  expect(value_->is_object(), "an object");
  std::vector<std::pair<std::string, JsonField>> members;
  for (const auto& entry : value_->items()) members.emplace_back(entry.key(), at(entry.key()));
  return members;
}

std::vector<JsonField> JsonField::items() const {
  expect(value_->is_array(), "an array");
  std::vector<JsonField> items;
  for (size_t i = 0; i < value_->size(); ++i)
    items.emplace_back((*value_)[i], fmt::format("{}[{}]", where_, i));
  return items;
}

double JsonField::number() const {
  expect(value_->is_number(), "a number");
  return value_->get<double>();
}

int64_t JsonField::integer() const {
  expect(value_->is_number_integer(), "an integer");
  return value_->get<int64_t>();
}

bool JsonField::boolean() const {
  expect(value_->is_boolean(), "true or false");
  return value_->get<bool>();
}

std::string JsonField::text() const {
  expect(value_->is_string(), "a text");
  return value_->get<std::string>();
}

std::vector<std::string> JsonField::texts() const {
  std::vector<std::string> result;
  for (const JsonField& item : items()) result.push_back(item.text());
  return result;
}

std::vector<double> JsonField::numbers() const {
  std::vector<double> result;
  for (const JsonField& item : items()) result.push_back(item.number());
  return result;
}

}  // namespace serendip
