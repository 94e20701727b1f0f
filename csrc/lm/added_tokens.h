// Tokens that are found in a text by their spelling, before anything else looks at it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace serendip {

// Ids are below: far above any vocabulary, and small enough for a table.
constexpr int64_t kTokenIdLimit = int64_t{1} << 24;

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;     // left out when decoding
  bool normalized = false;  // looked for after normalisation, not before
};

// An entry of tokenizer.json's "added_tokens" or tokenizer_config.json's "added_tokens_decoder".
// Throws Error beginning with `where` for one that strips spaces or asks for word borders.
AddedToken parse_added_token(const nlohmann::json& entry, int64_t id, const std::string& where);

// Finds spellings from left to right, the longest first where several begin at one place.
class AddedTokenMatcher {
 public:
  void add(const std::string& content, int32_t id);
  // Calls `on_text` for every non-empty stretch between tokens and `on_token` for every token.
  void split(std::string_view text, const std::function<void(std::string_view)>& on_text,
             const std::function<void(int32_t)>& on_token) const;

 private:
  struct Match {
    int32_t id = -1;
    size_t length = 0;
  };
  Match longest_match(std::string_view text) const;

  struct Node {
    std::map<char, size_t> children;
    int32_t id = -1;
  };
  std::vector<Node> nodes_ = std::vector<Node>(1);
  std::array<bool, 256> begins_{};
};

}  // namespace serendip
