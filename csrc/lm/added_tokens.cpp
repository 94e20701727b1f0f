#include "lm/added_tokens.h"

#include "base/check.h"

namespace serendip {

AddedToken parse_added_token(const nlohmann::json& entry, int64_t id, const std::string& where) {
  AddedToken token;
  token.content = entry.at("content").get<std::string>();
  SERENDIP_CHECK(id >= 0 && id < kTokenIdLimit && !token.content.empty(),
                 "{}: added token '{}' with id {}: expected a text and an id of at least 0 and "
                 "below {}",
                 where, token.content, id, kTokenIdLimit);
  token.id = static_cast<int32_t>(id);
  token.special = entry.value("special", false);
  token.normalized = entry.value("normalized", !token.special);
  for (const char* property : {"lstrip", "rstrip", "single_word"}) {
    SERENDIP_CHECK(!entry.value(property, false),
                   "{}: added token '{}': '{}' is true, which is not supported", where,
                   token.content, property);
  }
  return token;
}

void AddedTokenMatcher::add(const std::string& content, int32_t id) {
  size_t node = 0;
  for (const char byte : content) {
    const auto [child, inserted] = nodes_[node].children.try_emplace(byte, nodes_.size());
    node = child->second;
    if (inserted) nodes_.emplace_back();
  }
  nodes_[node].id = id;
  begins_[static_cast<uint8_t>(content.front())] = true;
}

AddedTokenMatcher::Match AddedTokenMatcher::longest_match(std::string_view text) const {
  Match match;
  size_t node = 0;
  for (size_t length = 1; length <= text.size(); ++length) {
    const auto child = nodes_[node].children.find(text[length - 1]);
    if (child == nodes_[node].children.end()) break;
    node = child->second;
    if (nodes_[node].id >= 0) match = {nodes_[node].id, length};
  }
  return match;
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view)>& on_text,
                              const std::function<void(int32_t)>& on_token) const {
  size_t begin = 0, position = 0;
  while (position < text.size()) {
    const bool candidate = begins_[static_cast<uint8_t>(text[position])];
    const Match match = candidate ? longest_match(text.substr(position)) : Match{};
    if (match.length == 0) {
      ++position;
      continue;
    }
    if (position > begin) on_text(text.substr(begin, position - begin));
    on_token(match.id);
    begin = position += match.length;
  }
  if (begin < text.size()) on_text(text.substr(begin));
}

}  // namespace serendip
