// What import does with single rows: numbering ids, reading numbers, counting what is unusable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace serendip {

// Texts one after the other.
struct TextList {
  std::string text;
  std::vector<int64_t> begin = {0};  // [size + 1]

  size_t size() const { return begin.size() - 1; }
  std::string_view operator[](size_t i) const {
    return {text.data() + begin[i], text.data() + begin[i + 1]};
  }
  void add(std::string_view more) {
    text += more;
    begin.push_back(static_cast<int64_t>(text.size()));
  }
};

// Numbers ids from 0 by first appearance. Open addressing: an id costs its text and 28 bytes.
class IdIndex {
 public:
  IdIndex();

  // The id's number, and whether it is new. Throws Error past 2^31 - 1 ids.
  std::pair<int32_t, bool> add(std::string_view id) { return add(id, hash64(id)); }
  // For whoever knows hash64(id).
  std::pair<int32_t, bool> add(std::string_view id, uint64_t hash);
  // Begins to bring what add() will look at into the cache.
  void prefetch(uint64_t hash) const { __builtin_prefetch(&slots_[hash & mask_]); }
  std::optional<int32_t> find(std::string_view id) const;
  // In order of their numbers.
  const TextList& list() const { return list_; }
  std::vector<std::string> ids() const;

 private:
  struct Slot {
    uint32_t hash_high = 0;
    int32_t number = -1;  // -1: free
  };
  // That of the id, or the free one where it belongs.
  size_t slot_of(std::string_view id, uint64_t hash) const;
  std::string_view id_of(int32_t number) const { return list_[static_cast<size_t>(number)]; }
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most 3/4 full
  uint64_t mask_;
  TextList list_;
};

struct BadRow {
  int64_t number;
  std::string reason;
};

// Those of one part: how many, and the first of them.
struct PartBadRows {
  static constexpr size_t kFirst = 5;
  int64_t count = 0;
  std::vector<BadRow> first;

  void add(BadRow row) {
    ++count;
    if (first.size() < kFirst) first.push_back(std::move(row));
  }
};

// Counts unusable rows, logs the first, and gives up past the limit.
class BadRows {
 public:
  explicit BadRows(int64_t limit) : limit_(limit) {}

  // Both throw Error with the count, the limit and the first rows once there are more than the
  // limit.
  void add(const std::filesystem::path& part, int64_t number, const std::string& reason);
  void add(const std::filesystem::path& part, const PartBadRows& rows);
  int64_t count() const { return count_; }

 private:
  void check_limit() const;

  int64_t limit_, count_ = 0;
  std::vector<std::string> samples_;
};

// Whole seconds, rounded down; none unless all of `text`, spaces around it aside, is a finite
// number.
std::optional<int64_t> parse_time(std::string_view text);
std::optional<float> parse_reward(std::string_view text);

}  // namespace serendip
