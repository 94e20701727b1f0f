// Reading a model's JSON files field by field, with errors that name file, field, expected and
// actual.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

class ConfigFields {
 public:
  // Throws Error for a file that is no JSON object.
  explicit ConfigFields(const std::filesystem::path& path);
  // An object inside a file; `where` names both.
  ConfigFields(std::string where, nlohmann::json values);

  const std::string& where() const { return where_; }
  // Null when absent.
  const nlohmann::json& at(const std::string& name) const;
  bool has(const std::string& name) const { return !at(name).is_null(); }
  bool contains(const std::string& name) const { return values_.contains(name); }  // null too
  // The object in field `name`; empty when absent.
  ConfigFields object(const std::string& name) const;

  int64_t size(const std::string& name) const;  // a positive integer
  int64_t size(const std::string& name, int64_t otherwise) const;
  int64_t count(const std::string& name, int64_t otherwise) const;  // 0 or a positive integer
  double positive(const std::string& name) const;
  double positive(const std::string& name, double otherwise) const;
  bool flag(const std::string& name, bool otherwise) const;
  std::string text(const std::string& name, const std::string& otherwise) const;
  std::vector<int64_t> token_ids(
      const std::string& name) const;  // one or a list; empty when absent
  // Throws Error unless the field is absent or `supported`.
  void require(const std::string& name, const nlohmann::json& supported) const;

 private:
  std::string where_;
  nlohmann::json values_;
};

}  // namespace serendip
