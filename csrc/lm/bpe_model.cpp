#include "lm/bpe_model.h"

#include <algorithm>
#include <limits>
#include <queue>

#include "base/check.h"
#include "lm/added_tokens.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

using nlohmann::json;

constexpr size_t kLongestCachedWord = 256;
constexpr size_t kCachedWordsPerShard = 8192;

// GPT-2's spelling: printable Latin-1 stands for itself, the other bytes for U+0100 and up in
// order.
struct ByteSpelling {
  std::array<std::string, 256> spelling;
  std::unordered_map<char32_t, char> byte;

  ByteSpelling() {
    char32_t next = 0x100;
    for (int value = 0; value < 256; ++value) {
      const bool printable = (value >= 0x21 && value <= 0x7E) || (value >= 0xA1 && value != 0xAD);
      const char32_t code_point = printable ? static_cast<char32_t>(value) : next++;
      append_utf8(spelling[static_cast<size_t>(value)], code_point);
      byte[code_point] = static_cast<char>(value);
    }
  }
};

const ByteSpelling& byte_spelling() {
  static const ByteSpelling table;
  return table;
}

void check_supported(const json& model, const std::string& where) {
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const json value = model.value(name, json());
    SERENDIP_CHECK(value.is_null() || value == json(""),
                   "{}: model: '{}' is {}, which is not supported", where, name, value.dump());
  }
  const json dropout = model.value("dropout", json());
  SERENDIP_CHECK(dropout.is_null() || dropout == 0.0,
                 "{}: model: 'dropout' is {}, which is not supported", where, dropout.dump());
}

// "a b" or ["a", "b"].
std::pair<std::string, std::string> read_pair(const json& merge, const std::string& where) {
  if (merge.is_array() && merge.size() == 2) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  const std::string text = merge.is_string() ? merge.get<std::string>() : std::string();
  const size_t space = text.find(' ');
  SERENDIP_CHECK(space != std::string::npos && text.find(' ', space + 1) == std::string::npos,
                 "{}: model: merge {}: expected two tokens", where, merge.dump());
  return {text.substr(0, space), text.substr(space + 1)};
}

uint64_t pair_key(int32_t left, int32_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

std::string token_bytes(const std::string& spelling) {
  std::string bytes;
  for (size_t position = 0; position < spelling.size();) {
    const auto found = byte_spelling().byte.find(next_code_point(spelling, position));
    if (found == byte_spelling().byte.end()) return spelling;
    bytes += found->second;
  }
  return bytes;
}

BpeModel::BpeModel(const json& model, BpeUnit unit, const std::string& where)
    : unit_(unit), cache_(std::make_unique<std::array<CacheShard, 16>>()) {
  check_supported(model, where);
  for (const auto& [spelling, id] : model.at("vocab").items()) {
    SERENDIP_CHECK(id.is_number_integer() && id >= 0 && id < kTokenIdLimit,
                   "{}: model: token '{}': expected an id below {}, got {}", where, spelling,
                   kTokenIdLimit, id.dump());
    vocabulary_.emplace(spelling, id.get<int32_t>());
  }
  read_units(model, where);
  if (model.value("ignore_merges", false)) {
    for (const auto& [spelling, id] : vocabulary_)
      whole_words_.emplace(unit == BpeUnit::kByte ? token_bytes(spelling) : spelling, id);
  }
  read_merges(model.at("merges"), where);
}

BpeModel::BpeModel(const std::vector<Piece>& pieces, const std::array<int32_t, 256>& byte_ids)
    : unit_(BpeUnit::kCharacter),
      byte_ids_(byte_ids),
      cache_(std::make_unique<std::array<CacheShard, 16>>()) {
  for (const Piece& piece : pieces) vocabulary_.emplace(piece.text, piece.id);
  add_characters();
  std::vector<float> scores;
  for (const Piece& piece : pieces) scores.push_back(piece.score);
  std::sort(scores.begin(), scores.end(), std::greater<>());
  for (const Piece& piece : pieces) {
    // Equal scores have equal ranks: the leftmost is merged first.
    const auto rank = static_cast<int32_t>(
        std::lower_bound(scores.begin(), scores.end(), piece.score, std::greater<>()) -
        scores.begin());
    for (size_t cut = 0; cut < piece.text.size();) {
      next_code_point(piece.text, cut);
      const auto left = vocabulary_.find(piece.text.substr(0, cut)),
                 right = vocabulary_.find(piece.text.substr(cut));
      if (left != vocabulary_.end() && right != vocabulary_.end())
        merges_.emplace(pair_key(left->second, right->second), Merge{rank, piece.id});
    }
  }
}

void BpeModel::add_characters() {
  for (const auto& [spelling, id] : vocabulary_) {
    size_t end = 0;
    if (!spelling.empty()) next_code_point(spelling, end);
    if (end == spelling.size()) characters_.emplace(spelling, id);
  }
}

void BpeModel::read_units(const json& model, const std::string& where) {
  const bool fallback = model.value("byte_fallback", false);
  SERENDIP_CHECK(!fallback || unit_ == BpeUnit::kCharacter,
                 "{}: model: 'byte_fallback' is true, which is not supported for byte-level BPE",
                 where);
  const json unknown = model.value("unk_token", json());
  byte_ids_.fill(-1);
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto found = vocabulary_.find(unit_ == BpeUnit::kByte ? byte_spelling().spelling[byte]
                                                                : fmt::format("<0x{:02X}>", byte));
    if (found != vocabulary_.end() && (unit_ == BpeUnit::kByte || fallback))
      byte_ids_[byte] = found->second;
    SERENDIP_CHECK(byte_ids_[byte] >= 0 || unit_ == BpeUnit::kCharacter || unknown.is_null(),
                   "{}: model: 'unk_token' is set and byte {} has no token, which is not supported",
                   where, byte);
  }
  if (unit_ == BpeUnit::kByte) return;
  add_characters();
  fuse_unknown_ = model.value("fuse_unk", false);
  if (unknown.is_null()) return;
  const auto found = vocabulary_.find(unknown.get<std::string>());
  SERENDIP_CHECK(found != vocabulary_.end(), "{}: model: 'unk_token' {} is not in the vocabulary",
                 where, unknown.dump());
  unknown_id_ = found->second;
}

std::vector<int32_t> BpeModel::units_of(std::string_view word) const {
  std::vector<int32_t> ids;
  if (unit_ == BpeUnit::kByte) {
    for (const char byte : word)
      if (const int32_t id = byte_ids_[static_cast<uint8_t>(byte)]; id >= 0) ids.push_back(id);
    return ids;
  }
  bool after_unknown = false;
  for (size_t begin = 0, end = 0; begin < word.size(); begin = end) {
    next_code_point(word, end);
    const std::string_view character = word.substr(begin, end - begin);
    const auto id_of = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    const auto known = characters_.find(character);
    const bool unknown =
        known == characters_.end() &&
        std::any_of(character.begin(), character.end(), [&](char byte) { return id_of(byte) < 0; });
    if (known != characters_.end()) {
      ids.push_back(known->second);
    } else if (!unknown) {
      for (const char byte : character) ids.push_back(id_of(byte));
    } else if (unknown_id_ >= 0 && !(fuse_unknown_ && after_unknown)) {
      ids.push_back(unknown_id_);
    }
    after_unknown = unknown;
  }
  return ids;
}

void BpeModel::read_merges(const json& merges, const std::string& where) {
  merges_.reserve(merges.size());
  for (const json& merge : merges) {
    const auto [left, right] = read_pair(merge, where);
    const auto id_of = [&](const std::string& spelling) {
      const auto found = vocabulary_.find(spelling);
      SERENDIP_CHECK(found != vocabulary_.end(),
                     "{}: model: merge {}: '{}' is not in the vocabulary", where, merge.dump(),
                     spelling);
      return found->second;
    };
    const int32_t left_id = id_of(left), right_id = id_of(right);
    const auto rank = static_cast<int32_t>(merges_.size());
    merges_.emplace(pair_key(left_id, right_id), Merge{rank, id_of(left + right)});
  }
}

const BpeModel::Merge* BpeModel::find_merge(int32_t left, int32_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<int32_t> BpeModel::merge_word(std::string_view word) const {
  constexpr size_t kNone = std::numeric_limits<size_t>::max();
  struct Symbol {
    int32_t id;
    size_t previous, next;
  };
  struct Candidate {
    int32_t rank;
    size_t position;
    int32_t result;
    bool operator>(const Candidate& other) const {
      return std::pair(rank, position) > std::pair(other.rank, other.position);
    }
  };
  std::vector<Symbol> symbols;
  for (const int32_t id : units_of(word))
    symbols.push_back({id, symbols.size() - 1, symbols.size() + 1});
  if (symbols.empty()) return {};
  symbols.front().previous = symbols.back().next = kNone;

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](size_t left) {
    if (left == kNone || symbols[left].next == kNone) return;
    const Merge* merge = find_merge(symbols[left].id, symbols[symbols[left].next].id);
    if (merge != nullptr) queue.push({merge->rank, left, merge->result});
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) offer(i);
  while (!queue.empty()) {
    const Candidate candidate = queue.top();
    queue.pop();
    Symbol& left = symbols[candidate.position];
    if (left.id < 0 || left.next == kNone) continue;
    Symbol& right = symbols[left.next];
    // Stale when a neighbour was merged since; the same result over another pair still counts, as
    // in `tokenizers`.
    const Merge* merge = find_merge(left.id, right.id);
    if (merge == nullptr || merge->result != candidate.result) continue;
    left.id = candidate.result;
    right.id = -1;
    left.next = right.next;
    if (left.next != kNone) symbols[left.next].previous = candidate.position;
    offer(left.previous);
    offer(candidate.position);
  }
  std::vector<int32_t> ids;
  for (size_t i = 0; i != kNone; i = symbols[i].next) ids.push_back(symbols[i].id);
  return ids;
}

void BpeModel::encode(std::string_view word, std::vector<int32_t>& ids) const {
  if (const auto whole = whole_words_.find(word); whole != whole_words_.end()) {
    ids.push_back(whole->second);
    return;
  }
  const auto append = [&](const std::vector<int32_t>& found) {
    ids.insert(ids.end(), found.begin(), found.end());
  };
  if (word.size() > kLongestCachedWord) {
    append(merge_word(word));
    return;
  }
  CacheShard& shard = (*cache_)[Hash()(word) % cache_->size()];
  {
    const std::lock_guard lock(shard.mutex);
    if (const auto known = shard.words.find(word); known != shard.words.end()) {
      append(known->second);
      return;
    }
  }
  std::vector<int32_t> merged = merge_word(word);
  append(merged);
  const std::lock_guard lock(shard.mutex);
  if (shard.words.size() < kCachedWordsPerShard) {
    shard.words.try_emplace(std::string(word), std::move(merged));
  }
}

}  // namespace serendip
