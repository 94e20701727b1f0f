// Byte-pair merges over the bytes or the characters of one word.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace serendip {

// A token as its bytes: tokenizer.json spells each byte as a printable character ("Ġ" is a space).
// A token with any character that spells no byte stands for its own UTF-8.
std::string token_bytes(const std::string& spelling);

// What merging begins with: every byte, or every character. A character without a token falls back
// to its bytes' tokens "<0x0A>" where the model says so, or else to the unknown token.
enum class BpeUnit { kByte, kCharacter };

// Encoding is safe from several threads; words seen before come from a bounded cache.
class BpeModel {
 public:
  // `model` is tokenizer.json's "model". Throws Error naming an unsupported part, or a merge whose
  // tokens the vocabulary lacks; `where` names the file.
  BpeModel(const nlohmann::json& model, BpeUnit unit, const std::string& where);

  // Over characters with byte fallback: of two pieces that neighbours make, the one of the higher
  // score is merged first, as sentencepiece does. `pieces` are those that merging may make; unknown
  // bytes have their tokens in `byte_ids`.
  struct Piece {
    std::string text;
    int32_t id;
    float score;
  };
  BpeModel(const std::vector<Piece>& pieces, const std::array<int32_t, 256>& byte_ids);

  // Appends the word's ids. The lowest-ranked pair is merged first, the leftmost of equals.
  void encode(std::string_view word, std::vector<int32_t>& ids) const;

  // Spelling → id.
  const std::unordered_map<std::string, int32_t>& vocabulary() const { return vocabulary_; }

 private:
  struct Merge {
    int32_t rank, result;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using WordTable = std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>>;
  struct CacheShard {
    std::mutex mutex;
    WordTable words;
  };

  void add_characters();
  void read_units(const nlohmann::json& model, const std::string& where);
  void read_merges(const nlohmann::json& merges, const std::string& where);
  std::vector<int32_t> units_of(std::string_view word) const;
  const Merge* find_merge(int32_t left, int32_t right) const;
  std::vector<int32_t> merge_word(std::string_view word) const;

  std::unordered_map<std::string, int32_t> vocabulary_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> characters_;
  BpeUnit unit_;
  std::array<int32_t, 256> byte_ids_;  // -1: the byte has no token
  int32_t unknown_id_ = -1;            // of kCharacter; -1: unknown characters are left out
  bool fuse_unknown_ = false;
  std::unordered_map<uint64_t, Merge> merges_;
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> whole_words_;  // ignore_merges
  std::unique_ptr<std::array<CacheShard, 16>> cache_;
};

}  // namespace serendip
