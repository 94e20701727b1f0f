// A transition packed into machine words whose order is that of its context, then its label.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace serendip {

template <size_t W>
struct RowKey {
  std::array<uint64_t, W> words{};

  friend bool operator==(const RowKey& a, const RowKey& b) {
    size_t word = 0;
    while (word + 1 < W && a.words[word] == b.words[word]) ++word;
    return a.words[word] == b.words[word];
  }
  friend bool operator<(const RowKey& a, const RowKey& b) {
    size_t word = 0;
    while (word + 1 < W && a.words[word] == b.words[word]) ++word;
    return a.words[word] < b.words[word];
  }
};

// Ascending; by radix, the last byte first, passing over bytes that are the same in all keys.
template <size_t W>
void sort_keys(std::vector<RowKey<W>>& keys) {
  std::vector<RowKey<W>> sorted(keys.size());
  for (size_t word = W; word-- > 0;) {
    for (int shift = 0; shift < 64; shift += 8) {
      const auto byte = [&](const RowKey<W>& key) { return key.words[word] >> shift & 0xff; };
      std::array<size_t, 256> place{};
      for (const RowKey<W>& key : keys) ++place[byte(key)];
      if (keys.empty() || place[byte(keys[0])] == keys.size()) continue;
      size_t begin = 0;
      for (size_t& at : place) begin += std::exchange(at, begin);
      for (const RowKey<W>& key : keys) sorted[place[byte(key)]++] = key;
      keys.swap(sorted);
    }
  }
}

// How the K + 1 clusters of a row, each below `clusters`, lie in words, first one highest.
class RowPacking {
 public:
  RowPacking(int64_t context_size, int64_t clusters)
      : fields_(context_size + 1),
        bits_(clusters < 2 ? 1 : std::bit_width(static_cast<uint64_t>(clusters - 1))),
        per_word_(64 / bits_) {}

  int64_t words() const { return (fields_ + per_word_ - 1) / per_word_; }

  template <size_t W>
  RowKey<W> pack(const int32_t* context, int32_t label) const {
    RowKey<W> key;
    for (int64_t field = 0; field < fields_; ++field) {
      const int32_t cluster = field + 1 < fields_ ? context[field] : label;
      key.words[static_cast<size_t>(field / per_word_)] |= static_cast<uint64_t>(cluster)
                                                           << shift(field);
    }
    return key;
  }
  template <size_t W>
  int32_t unpack(const RowKey<W>& key, int64_t field) const {
    const uint64_t mask = (uint64_t{1} << bits_) - 1;
    return static_cast<int32_t>(key.words[static_cast<size_t>(field / per_word_)] >> shift(field) &
                                mask);
  }

 private:
  int64_t shift(int64_t field) const { return 64 - bits_ * (field % per_word_ + 1); }

  int64_t fields_, bits_, per_word_;
};

}  // namespace serendip
