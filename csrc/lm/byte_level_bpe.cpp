#include "lm/byte_level_bpe.h"

#include <algorithm>

#include "base/check.h"
#include "lm/bpe_model.h"
#include "lm/pre_tokenizer.h"
#include "lm/tokenizer_json.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

using nlohmann::json;

// Whether the text is brought to form C; throws for any other normaliser.
bool reads_nfc(const json& normalizer, const std::string& where) {
  const std::vector<json> parts = parts_of(normalizer, "normalizers");
  for (const json& part : parts) {
    SERENDIP_CHECK(part.at("type") == "NFC", "{}: normalizer {} is not supported (supported: NFC)",
                   where, part.at("type").dump());
  }
  return !parts.empty();
}

class ByteLevelBpe : public Tokenizer {
 public:
  ByteLevelBpe(const json& tokenizer, const TokenizerSettings& settings, const std::string& where)
      : normalize_(reads_nfc(tokenizer.value("normalizer", json()), where)),
        pre_tokenizer_(tokenizer.at("pre_tokenizer"), where),
        model_(tokenizer.at("model"), BpeUnit::kByte, where) {
    const json decoder = tokenizer.value("decoder", json());
    SERENDIP_CHECK(decoder.is_null() || decoder.at("type") == "ByteLevel",
                   "{}: decoder {} is not supported (supported: ByteLevel)", where,
                   decoder.at("type").dump());
    for (const auto& [spelling, id] : model_.vocabulary()) set_token(id, token_bytes(spelling));
    for (const AddedToken& token : read_added_tokens(tokenizer, where)) add_token(token);
    const BorderIds borders = read_border_ids(tokenizer, settings, model_.vocabulary(), where);
    prefix_ids = borders.prefix;
    suffix_ids = borders.suffix;
  }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    const auto add_id = [&](int32_t id) { ids.push_back(id); };
    const auto encode_words = [&](std::string_view stretch) {
      pre_tokenizer_.split(stretch, [&](std::string_view word) { model_.encode(word, ids); });
    };
    const auto encode_normalized = [&](std::string_view stretch) {
      if (!normalize_) return normalized_tokens_.split(stretch, encode_words, add_id);
      const std::string normalized = normalize_nfc(stretch);
      normalized_tokens_.split(normalized, encode_words, add_id);
    };
    raw_tokens_.split(replace_invalid_utf8(text), encode_normalized, add_id);
    return ids;
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string bytes;
    for (const int32_t id : ids) {
      if (id < 0 || id >= vocabulary_size()) continue;
      const auto index = static_cast<size_t>(id);
      if (!special_[index]) bytes += token_bytes_[index];
    }
    return replace_invalid_utf8(bytes);
  }

  int64_t vocabulary_size() const override { return static_cast<int64_t>(token_bytes_.size()); }

 private:
  void set_token(int32_t id, std::string bytes) {
    const size_t size = std::max(token_bytes_.size(), static_cast<size_t>(id) + 1);
    token_bytes_.resize(size);
    special_.resize(size);
    token_bytes_[static_cast<size_t>(id)] = std::move(bytes);
  }

  void add_token(const AddedToken& token) {
    set_token(token.id, token_bytes(token.content));
    special_[static_cast<size_t>(token.id)] = token.special;
    // Its spelling is normalised too where it is looked for in normalised text.
    if (token.normalized) {
      normalized_tokens_.add(normalize_ ? normalize_nfc(token.content) : token.content, token.id);
    } else {
      raw_tokens_.add(token.content, token.id);
    }
  }

  bool normalize_;
  PreTokenizer pre_tokenizer_;
  BpeModel model_;
  AddedTokenMatcher raw_tokens_, normalized_tokens_;
  std::vector<std::string> token_bytes_;
  std::vector<bool> special_;
};

}  // namespace

bool is_byte_level_bpe(const json& tokenizer) {
  const json model = tokenizer.value("model", json());
  if (!model.is_object() || !model.contains("merges")) return false;
  return model.value("type", "BPE") == "BPE" &&
         is_byte_level(tokenizer.value("pre_tokenizer", json()));
}

std::unique_ptr<Tokenizer> make_byte_level_bpe(const json& tokenizer,
                                               const TokenizerSettings& settings,
                                               const std::string& where) {
  return std::make_unique<ByteLevelBpe>(tokenizer, settings, where);
}

}  // namespace serendip
