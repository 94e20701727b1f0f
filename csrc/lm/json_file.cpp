#include "lm/json_file.h"

#include "base/check.h"
#include "base/file.h"

namespace serendip {

nlohmann::json read_json_object(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  nlohmann::json value;
  try {
    value = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    fail("{}: not JSON: {}", path.string(), error.what());
  }
  SERENDIP_CHECK(value.is_object(), "{}: expected a JSON object, got {}", path.string(),
                 value.type_name());
  return value;
}

}  // namespace serendip
