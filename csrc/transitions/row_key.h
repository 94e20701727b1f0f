// A transition packed into machine words whose order is that of its context, then its label.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace serendip {

// How the K + 1 clusters of a row, each below `clusters`, lie in words, first one highest.
class RowPacking {
 public:
  RowPacking(int64_t context_size, int64_t clusters)
      : fields_(context_size + 1),
        bits_(clusters < 2 ? 1 : std::bit_width(static_cast<uint64_t>(clusters - 1))),
        per_word_(64 / bits_) {}

  int64_t words() const { return (fields_ + per_word_ - 1) / per_word_; }

  template <size_t W>
  std::array<uint64_t, W> pack(const int32_t* context, int32_t label) const {
    std::array<uint64_t, W> key{};
    for (int64_t field = 0; field < fields_; ++field) {
      const int32_t cluster = field + 1 < fields_ ? context[field] : label;
      key[static_cast<size_t>(field / per_word_)] |= static_cast<uint64_t>(cluster) << shift(field);
    }
    return key;
  }
  template <size_t W>
  int32_t unpack(const std::array<uint64_t, W>& key, int64_t field) const {
    const uint64_t mask = (uint64_t{1} << bits_) - 1;
    return static_cast<int32_t>(key[static_cast<size_t>(field / per_word_)] >> shift(field) & mask);
  }

 private:
  int64_t shift(int64_t field) const { return 64 - bits_ * (field % per_word_ + 1); }

  int64_t fields_, bits_, per_word_;
};

}  // namespace serendip
