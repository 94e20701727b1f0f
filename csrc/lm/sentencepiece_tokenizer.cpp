#include "lm/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/file.h"
#include "lm/bpe_model.h"
#include "lm/sentencepiece_file.h"
#include "lm/space_symbol.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

// Appended to a serialised ModelProto: normalizer_spec (field 3) { add_dummy_prefix (field 3):
// false }. Protocol buffers merge repeated messages, so this overrides the one value.
constexpr std::string_view kNoDummyPrefix("\x1a\x02\x18\x00", 4);

void check_status(const sentencepiece::util::Status& status, const std::string& where) {
  SERENDIP_CHECK(status.ok(), "{}: sentencepiece: {}", where, status.ToString());
}

class SentencepieceTokenizer : public Tokenizer {
 public:
  SentencepieceTokenizer(const std::filesystem::path& model_file, const TokenizerSettings& settings)
      : where_(model_file.string()), legacy_(settings.legacy) {
    const std::string model = read_file(model_file);
    const std::string without_prefix = model + std::string(kNoDummyPrefix);
    check_status(first_.LoadFromSerializedProto(settings.add_prefix_space ? model : without_prefix),
                 where_);
    check_status(later_.LoadFromSerializedProto(without_prefix), where_);
    size_ = first_.GetPieceSize();
    own_prefix_ = settings.add_prefix_space;
    own_model_ = make_own_model(read_sentencepiece_facts(model));
    for (int id = 0; id < size_; ++id) {
      if (first_.IsControl(id) || first_.IsUnknown(id)) {
        add_token({id, first_.IdToPiece(id), true, false});
      }
      if (anchor_ < 0 && is_plain(id)) anchor_ = id;
    }
    for (const AddedToken& token : settings.added_tokens) add_token(token);
    if (settings.add_bos_token.value_or(true)) {
      prefix_ids = border_ids(settings.bos_token, first_.bos_id(), settings.add_bos_token);
    }
    if (settings.add_eos_token.value_or(false)) {
      suffix_ids = border_ids(settings.eos_token, first_.eos_id(), settings.add_eos_token);
    }
  }

  std::vector<int32_t> encode(std::string_view text) const override {
    std::vector<int32_t> ids;
    bool at_start = true;
    const auto add_stretch = [&](std::string_view stretch) {
      encode_stretch(stretch, at_start || legacy_, ids);
      at_start = false;
    };
    added_.split(replace_invalid_utf8(text), add_stretch, [&](int32_t id) {
      ids.push_back(id);
      at_start = false;
    });
    return ids;
  }

  std::string decode(const std::vector<int32_t>& ids) const override {
    std::string text;
    std::vector<int> stretch;
    for (const int32_t id : ids) {
      if (special_.contains(id)) continue;
      if (id >= 0 && id < size_) {
        stretch.push_back(id);
      } else if (const auto token = contents_.find(id); token != contents_.end()) {
        append_stretch(stretch, text);
        text += token->second;
      }
    }
    append_stretch(stretch, text);
    return text;
  }

  int64_t vocabulary_size() const override {
    return contents_.empty() ? size_ : std::max<int64_t>(size_, contents_.rbegin()->first + 1);
  }

 private:
  // Plain BPE is merged by our own model, whose cache of words makes it several times faster: for
  // pieces of text and bytes only, every character of which has a piece, and unchanged text.
  std::optional<BpeModel> make_own_model(const SentencepieceFacts& facts) const {
    if (!facts.is_bpe || !facts.identity_normalizer || !facts.byte_fallback ||
        !facts.plain_pieces || facts.whitespace_as_suffix)
      return std::nullopt;
    std::vector<BpeModel::Piece> pieces;
    std::array<int32_t, 256> byte_ids;
    byte_ids.fill(-1);
    std::set<std::string> characters, wanted;
    for (int id = 0; id < size_; ++id) {
      const std::string& text = first_.IdToPiece(id);
      if (first_.IsControl(id) || first_.IsUnknown(id)) continue;
      if (first_.IsByte(id)) {
        byte_ids[static_cast<size_t>(std::stoi(text.substr(3, 2), nullptr, 16))] = id;
        continue;
      }
      if (text.empty() || has_inner_symbol(text)) return std::nullopt;
      pieces.push_back({text, id, first_.GetScore(id)});
      for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
        next_code_point(text, end);
        (end - begin == text.size() ? characters : wanted).insert(text.substr(begin, end - begin));
      }
    }
    const bool bytes_whole = std::find(byte_ids.begin(), byte_ids.end(), -1) == byte_ids.end();
    if (!bytes_whole ||
        !std::includes(characters.begin(), characters.end(), wanted.begin(), wanted.end()))
      return std::nullopt;
    return std::optional<BpeModel>(std::in_place, pieces, byte_ids);
  }

  void encode_stretch(std::string_view stretch, bool with_prefix, std::vector<int32_t>& ids) const {
    if (own_model_) {
      std::string text = replaced(stretch, " ", kSpaceSymbol);
      if (with_prefix && own_prefix_) text.insert(0, kSpaceSymbol);
      for_each_word(text, /*every_symbol=*/false,
                    [&](std::string_view word) { own_model_->encode(word, ids); });
      return;
    }
    std::vector<int> stretch_ids;
    check_status((with_prefix ? first_ : later_).Encode(stretch, &stretch_ids), where_);
    ids.insert(ids.end(), stretch_ids.begin(), stretch_ids.end());
  }

  // A piece of text alone, which decodes to itself wherever it stands.
  bool is_plain(int id) const {
    return !first_.IsControl(id) && !first_.IsUnknown(id) && !first_.IsByte(id) &&
           !first_.IsUnused(id) && first_.IdToPiece(id).find(kSpaceSymbol) == std::string::npos;
  }

  void add_token(const AddedToken& token) {
    if (token.id < size_) {
      SERENDIP_CHECK(first_.IdToPiece(token.id) == token.content,
                     "{}: added token '{}' has id {}, which is '{}' here", where_, token.content,
                     token.id, first_.IdToPiece(token.id));
    } else {
      contents_[token.id] = token.content;
    }
    if (token.special) special_.insert(token.id);
    added_.add(token.content, token.id);
    ids_[token.content] = token.id;
  }

  // The id of `token`, or of the model's own where that is empty; none where neither exists.
  std::vector<int32_t> border_ids(const std::string& token, int own_id,
                                  std::optional<bool> asked_for) const {
    int32_t id = own_id;
    if (!token.empty()) {
      const auto added = ids_.find(token);
      id = added != ids_.end() ? added->second : first_.PieceToId(token);
      SERENDIP_CHECK(added != ids_.end() || first_.IdToPiece(id) == token,
                     "{}: tokenizer_config.json names '{}', which is no token", where_, token);
    }
    SERENDIP_CHECK(id >= 0 || !asked_for.value_or(false),
                   "{}: tokenizer_config.json asks for a token that the model lacks", where_);
    if (id < 0) return {};
    return {id};
  }

  // Moves the decoded stretch behind `text`; only the text's first loses its leading space.
  void append_stretch(std::vector<int>& stretch, std::string& text) const {
    if (stretch.empty()) return;
    std::string decoded;
    const bool anchored = !text.empty() && anchor_ >= 0;
    if (anchored) stretch.insert(stretch.begin(), anchor_);
    check_status(first_.Decode(stretch, &decoded), where_);
    text += anchored ? decoded.substr(first_.IdToPiece(anchor_).size()) : decoded;
    stretch.clear();
  }

  std::string where_;
  bool legacy_, own_prefix_ = true;
  std::optional<BpeModel> own_model_;
  sentencepiece::SentencePieceProcessor first_, later_;  // with and without a leading space
  int size_ = 0, anchor_ = -1;
  AddedTokenMatcher added_;
  std::map<std::string, int32_t> ids_;
  std::map<int32_t, std::string> contents_;  // of tokens behind the model's own
  std::set<int32_t> special_;
};

}  // namespace

std::unique_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& model_file,
                                              const TokenizerSettings& settings) {
  return std::make_unique<SentencepieceTokenizer>(model_file, settings);
}

}  // namespace serendip
