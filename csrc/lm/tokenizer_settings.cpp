#include "lm/tokenizer_settings.h"

#include <algorithm>

#include "base/check.h"
#include "lm/json_file.h"

namespace serendip {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::optional<bool> read_flag(const json& config, const char* name) {
  const json value = config.value(name, json());
  if (value.is_null()) return std::nullopt;
  return value.get<bool>();
}

// A text, or an object that holds it as "content".
std::string read_token(const json& config, const char* name) {
  const json value = config.value(name, json());
  if (value.is_null()) return {};
  return (value.is_object() ? value.at("content") : value).get<std::string>();
}

void read_config(const json& config, const std::string& where, TokenizerSettings& settings) {
  SERENDIP_CHECK(!read_flag(config, "split_special_tokens").value_or(false),
                 "{}: 'split_special_tokens' is true, which is not supported", where);
  settings.add_bos_token = read_flag(config, "add_bos_token");
  settings.add_eos_token = read_flag(config, "add_eos_token");
  settings.bos_token = read_token(config, "bos_token");
  settings.eos_token = read_token(config, "eos_token");
  settings.legacy = read_flag(config, "legacy").value_or(true);
  settings.add_prefix_space = read_flag(config, "add_prefix_space").value_or(true);
  const json decoder = config.value("added_tokens_decoder", json::object());
  for (const auto& [id, token] : decoder.items()) {
    const bool digits =
        !id.empty() && id.size() < 10 &&
        std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
    SERENDIP_CHECK(digits, "{}: 'added_tokens_decoder': expected ids, got '{}'", where, id);
    settings.added_tokens.push_back(parse_added_token(token, std::stoll(id), where));
  }
}

// Spelling → id; not special unless tokenizer_config.json says so.
void read_added_tokens(const json& added, const std::string& where, TokenizerSettings& settings) {
  for (const auto& item : added.items()) {
    const std::string& content = item.key();
    const bool known =
        std::any_of(settings.added_tokens.begin(), settings.added_tokens.end(),
                    [&](const AddedToken& token) { return token.content == content; });
    if (known) continue;
    const json entry = {
        {"content", content},
        {"special", content == settings.bos_token || content == settings.eos_token}};
    settings.added_tokens.push_back(parse_added_token(entry, item.value().get<int64_t>(), where));
  }
}

}  // namespace

TokenizerSettings load_tokenizer_settings(const fs::path& model_folder) {
  TokenizerSettings settings;
  const auto read = [&](const char* name, auto reader) {
    const fs::path path = model_folder / name;
    if (!fs::exists(path)) return;
    const json content = read_json_object(path);
    try {
      reader(content, path.string(), settings);
    } catch (const json::exception& error) {
      fail("{}: {}", path.string(), error.what());
    }
  };
  read("tokenizer_config.json", read_config);
  read("added_tokens.json", read_added_tokens);
  return settings;
}

}  // namespace serendip
