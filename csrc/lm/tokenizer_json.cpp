#include "lm/tokenizer_json.h"

#include "base/check.h"

namespace serendip {
namespace {

using nlohmann::json;

// The template's ids; false where the part is none.
bool read_template(const json& part, BorderIds& borders, const std::string& where) {
  const auto type = part.at("type").get<std::string>();
  if (type == "ByteLevel") return false;  // moves offsets only
  SERENDIP_CHECK(type == "TemplateProcessing",
                 "{}: post_processor '{}' is not supported (supported: TemplateProcessing, "
                 "ByteLevel)",
                 where, type);
  std::vector<int32_t>* ids = &borders.prefix;
  for (const json& piece : part.at("single")) {
    if (piece.contains("Sequence")) {
      ids = &borders.suffix;
      continue;
    }
    const auto name = piece.at("SpecialToken").at("id").get<std::string>();
    for (const json& id : part.at("special_tokens").at(name).at("ids"))
      ids->push_back(id.get<int32_t>());
  }
  return true;
}

}  // namespace

std::vector<json> parts_of(const json& part, const char* list) {
  if (part.is_null()) return {};
  if (part.at("type") == "Sequence") return part.at(list).get<std::vector<json>>();
  return {part};
}

std::vector<AddedToken> read_added_tokens(const json& tokenizer, const std::string& where) {
  std::vector<AddedToken> tokens;
  for (const json& entry : tokenizer.value("added_tokens", json::array()))
    tokens.push_back(parse_added_token(entry, entry.at("id").get<int64_t>(), where));
  return tokens;
}

BorderIds read_border_ids(const json& tokenizer, const TokenizerSettings& settings,
                          const std::unordered_map<std::string, int32_t>& vocabulary,
                          const std::string& where) {
  BorderIds borders;
  bool has_template = false;
  for (const json& part : parts_of(tokenizer.value("post_processor", json()), "processors"))
    has_template |= read_template(part, borders, where);
  if (has_template) return borders;
  const std::vector<AddedToken> added = read_added_tokens(tokenizer, where);
  const auto id_of = [&](const std::string& content, const char* field) {
    for (const AddedToken& token : added)
      if (token.content == content) return token.id;
    const auto found = vocabulary.find(content);
    SERENDIP_CHECK(found != vocabulary.end(), "{}: {} asks for '{}', which is no token", where,
                   field, content);
    return found->second;
  };
  if (settings.add_bos_token.value_or(false))
    borders.prefix = {id_of(settings.bos_token, "add_bos_token")};
  if (settings.add_eos_token.value_or(false))
    borders.suffix = {id_of(settings.eos_token, "add_eos_token")};
  return borders;
}

}  // namespace serendip
