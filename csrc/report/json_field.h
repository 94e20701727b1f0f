// Values of a JSON file that know where they stand, so that an error names file and field.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace serendip {

// Throws Error naming the file where it is not JSON.
nlohmann::json read_json(const std::filesystem::path& path);

// A view: the JSON must outlive it. Every accessor throws Error with file, field, expected and
// actual.
class JsonField {
 public:
  JsonField(const nlohmann::json& value, std::string where)
      : value_(&value), where_(std::move(where)) {}

  JsonField at(const std::string& key) const;
  // Nothing where the key is missing or null.
  std::optional<JsonField> find(const std::string& key) const;
  std::vector<std::pair<std::string, JsonField>> members() const;  // of an object
  std::vector<JsonField> items() const;                            // of an array
  double number() const;
  int64_t integer() const;
  bool boolean() const;
  std::string text() const;
  std::vector<std::string> texts() const;
  std::vector<double> numbers() const;
  const nlohmann::json& json() const { return *value_; }
  const std::string& where() const { return where_; }

 private:
  void expect(bool holds, const char* expected) const;

  const nlohmann::json* value_;
  std::string where_;  // "runs/x/eval.json: comparison[2].nll"
};

}  // namespace serendip
