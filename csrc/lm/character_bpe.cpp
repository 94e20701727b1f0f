#include "lm/character_bpe.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "lm/bpe_model.h"
#include "lm/space_symbol.h"
#include "lm/tokenizer_json.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

using nlohmann::json;

// Text in front of a stretch, and spaces as symbols.
class Normalizer {
 public:
  Normalizer(const json& description, const std::string& where) {
    for (const json& part : parts_of(description, "normalizers")) {
      const auto type = part.at("type").get<std::string>();
      if (type == "Prepend") {
        steps_.push_back({std::nullopt, part.at("prepend").get<std::string>()});
      } else if (type == "Replace" && part.at("pattern").contains("String")) {
        steps_.push_back({part.at("pattern").at("String").get<std::string>(),
                          part.at("content").get<std::string>()});
        SERENDIP_CHECK(!steps_.back().pattern->empty(),
                       "{}: normalizer Replace: expected a pattern, got ''", where);
      } else {
        fail("{}: normalizer '{}' is not supported (supported: Prepend, Replace of a String)",
             where, type);
      }
    }
  }

  std::string operator()(std::string_view text) const {
    std::string result(text);
    for (const Step& step : steps_) {
      if (step.pattern) {
        result = replaced(result, *step.pattern, step.content);
      } else if (!result.empty()) {
        result = step.content + result;
      }
    }
    return result;
  }

  bool replaces_spaces() const {
    return std::any_of(steps_.begin(), steps_.end(),
                       [](const Step& step) { return step.pattern == " "; });
  }

 private:
  struct Step {
    std::optional<std::string> pattern;  // none: `content` in front
    std::string content;
  };
  std::vector<Step> steps_;
};

enum class Prepend { kNever, kFirst, kAlways };

// The pre-tokenizer "Metaspace", or nothing.
struct Metaspace {
  bool replaces_spaces = false;
  bool split = false;  // a word begins at every space symbol
  Prepend prepend = Prepend::kNever;
};

Metaspace read_metaspace(const json& description, const Normalizer& normalizer,
                         const std::string& where) {
  if (description.is_null()) return {};
  const auto type = description.at("type").get<std::string>();
  // Gemma cuts at spaces, of which its normaliser leaves none.
  if (type == "Split" && description.at("pattern") == json{{"String", " "}} &&
      normalizer.replaces_spaces())
    return {};
  SERENDIP_CHECK(type == "Metaspace",
                 "{}: pre_tokenizer '{}' is not supported (supported: none, Metaspace)", where,
                 type);
  SERENDIP_CHECK(description.value("replacement", std::string(kSpaceSymbol)) == kSpaceSymbol,
                 "{}: pre_tokenizer Metaspace: replacement {} is not supported", where,
                 description.at("replacement").dump());
  Metaspace metaspace{true, description.value("split", true), Prepend::kAlways};
  const bool older = description.value("add_prefix_space", true);
  const std::string scheme = description.value("prepend_scheme", older ? "always" : "never");
  SERENDIP_CHECK(scheme == "always" || scheme == "first" || scheme == "never",
                 "{}: pre_tokenizer Metaspace: prepend_scheme '{}' is not supported", where,
                 scheme);
  if (scheme == "first") metaspace.prepend = Prepend::kFirst;
  if (scheme == "never") metaspace.prepend = Prepend::kNever;
  return metaspace;
}

// How ids become text.
struct TextDecoder {
  bool replaces_symbols = false, byte_fallback = false;
  int64_t strip_start = 0;  // spaces taken from the front
};

TextDecoder read_decoder(const json& description, const std::string& where) {
  TextDecoder decoder;
  for (const json& part : parts_of(description, "decoders")) {
    const auto type = part.at("type").get<std::string>();
    if (type == "Replace" && part.at("pattern") == json{{"String", kSpaceSymbol}} &&
        part.at("content") == " ") {
      decoder.replaces_symbols = true;
    } else if (type == "ByteFallback") {
      decoder.byte_fallback = true;
    } else if (type == "Strip" && part.at("content") == " " && part.at("stop") == 0) {
      decoder.strip_start = part.at("start").get<int64_t>();
    } else if (type == "Metaspace") {
      decoder.replaces_symbols = true;
      decoder.strip_start = part.value("prepend_scheme", "always") == "never" ? 0 : 1;
    } else {
      SERENDIP_CHECK(type == "Fuse",
                     "{}: decoder '{}' is not supported (supported: Replace of U+2581, "
                     "ByteFallback, Fuse, Strip, Metaspace)",
                     where, type);
    }
  }
  return decoder;
}

// The byte that a token "<0x0A>" stands for; -1 for any other.
int byte_of(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  const int high = digit(token[3]), low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

class CharacterBpe : public Tokenizer {
 public:
  CharacterBpe(const json& tokenizer, const TokenizerSettings& settings, const std::string& where)
      : normalizer_(tokenizer.value("normalizer", json()), where),
        metaspace_(read_metaspace(tokenizer.value("pre_tokenizer", json()), normalizer_, where)),
        decoder_(read_decoder(tokenizer.value("decoder", json()), where)),
        model_(tokenizer.at("model"), BpeUnit::kCharacter, where) {
    for (const auto& [spelling, id] : model_.vocabulary()) {
      set_token(id, spelling);
      words_are_units_ = words_are_units_ && !has_inner_symbol(spelling);
    }
    for (const AddedToken& token : read_added_tokens(tokenizer, where)) {
      set_token(token.id, token.content);
      special_[static_cast<size_t>(token.id)] = token.special;
      if (token.normalized)
        normalized_tokens_.add(normalizer_(token.content), token.id);
      else
        raw_tokens_.add(token.content, token.id);
    }
    const BorderIds borders = read_border_ids(tokenizer, settings, model_.vocabulary(), where);
    prefix_ids = borders.prefix;
    suffix_ids = borders.suffix;
  }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    bool at_start = true;
    const auto add_id = [&](int32_t id) {
      ids.push_back(id);
      at_start = false;
    };
    const auto encode_normalized = [&](std::string_view stretch) {
      encode_stretch(stretch, at_start, ids);
      at_start = false;
    };
    const auto encode_raw = [&](std::string_view stretch) {
      const std::string normalized = normalizer_(stretch);
      normalized_tokens_.split(normalized, encode_normalized, add_id);
    };
    raw_tokens_.split(replace_invalid_utf8(text), encode_raw, add_id);
    return ids;
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text, bytes;
    const auto flush = [&] {  // bytes that are no UTF-8 become one U+FFFD each
      if (bytes.empty()) return;
      if (replace_invalid_utf8(bytes) == bytes)
        text += bytes;
      else
        for (size_t i = 0; i < bytes.size(); ++i) text += "\ufffd";
      bytes.clear();
    };
    for (const int32_t id : ids) {
      if (id < 0 || id >= vocabulary_size()) continue;
      const auto index = static_cast<size_t>(id);
      if (special_[index]) continue;
      const int byte = decoder_.byte_fallback ? byte_of(tokens_[index]) : -1;
      if (byte >= 0) {
        bytes += static_cast<char>(byte);
        continue;
      }
      flush();
      text +=
          decoder_.replaces_symbols ? replaced(tokens_[index], kSpaceSymbol, " ") : tokens_[index];
    }
    flush();
    size_t spaces = 0;
    while (spaces < static_cast<size_t>(decoder_.strip_start) && spaces < text.size() &&
           text[spaces] == ' ')
      ++spaces;
    return text.substr(spaces);
  }

  int64_t vocabulary_size() const override { return static_cast<int64_t>(tokens_.size()); }

 private:
  void set_token(int32_t id, const std::string& spelling) {
    const size_t size = std::max(tokens_.size(), static_cast<size_t>(id) + 1);
    tokens_.resize(size);
    special_.resize(size);
    tokens_[static_cast<size_t>(id)] = spelling;
  }

  void encode_stretch(std::string_view stretch, bool at_start, std::vector<int32_t>& ids) const {
    if (!metaspace_.replaces_spaces) return encode_words(stretch, ids);
    std::string spaced = replaced(stretch, " ", kSpaceSymbol);
    const bool prepend = metaspace_.prepend == Prepend::kAlways ||
                         (metaspace_.prepend == Prepend::kFirst && at_start);
    if (prepend && !spaced.starts_with(kSpaceSymbol)) spaced.insert(0, kSpaceSymbol);
    encode_words(spaced, ids);
  }

  void encode_words(std::string_view text, std::vector<int32_t>& ids) const {
    if (!metaspace_.split && !words_are_units_) return model_.encode(text, ids);
    for_each_word(text, metaspace_.split, [&](std::string_view word) { model_.encode(word, ids); });
  }

  Normalizer normalizer_;
  Metaspace metaspace_;
  TextDecoder decoder_;
  BpeModel model_;
  bool words_are_units_ = true;
  AddedTokenMatcher raw_tokens_, normalized_tokens_;
  std::vector<std::string> tokens_;
  std::vector<bool> special_;
};

}  // namespace

bool is_character_bpe(const json& tokenizer) {
  const json model = tokenizer.value("model", json());
  if (!model.is_object() || !model.contains("merges")) return false;
  const json pre_tokenizer = tokenizer.value("pre_tokenizer", json());
  const json type = pre_tokenizer.is_object() ? pre_tokenizer.value("type", json()) : json();
  return model.value("type", "BPE") == "BPE" &&
         (pre_tokenizer.is_null() || type == "Metaspace" || type == "Split");
}

std::unique_ptr<Tokenizer> make_character_bpe(const json& tokenizer,
                                              const TokenizerSettings& settings,
                                              const std::string& where) {
  return std::make_unique<CharacterBpe>(tokenizer, settings, where);
}

}  // namespace serendip
