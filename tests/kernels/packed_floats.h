// Values in one of the kernels' types, of exactly their bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/float_types.h"

namespace serendip {

class PackedFloats {
 public:
  PackedFloats() = default;
  PackedFloats(const std::vector<float>& values, FloatType type)
      : type_(type), bytes_(values.size() * size()) {
    for (size_t at = 0; at < values.size(); ++at) {
      if (type == FloatType::kFloat32) put(at, values[at]);
      if (type == FloatType::kBFloat16) put(at, from_float<BFloat16>(values[at]));
      if (type == FloatType::kFloat16) put(at, from_float<Float16>(values[at]));
    }
  }
  float operator[](size_t at) const {
    if (type_ == FloatType::kBFloat16) return to_float(get<BFloat16>(at));
    if (type_ == FloatType::kFloat16) return to_float(get<Float16>(at));
    return get<float>(at);
  }
  void* data() { return bytes_.data(); }
  FloatType type() const { return type_; }

 private:
  size_t size() const { return type_ == FloatType::kFloat32 ? 4 : 2; }
  template <typename T>
  void put(size_t at, T value) {
    std::memcpy(bytes_.data() + at * sizeof(T), &value, sizeof(T));
  }
  template <typename T>
  T get(size_t at) const {
    T value;
    std::memcpy(&value, bytes_.data() + at * sizeof(T), sizeof(T));
    return value;
  }

  FloatType type_ = FloatType::kFloat32;
  std::vector<char> bytes_;
};

// Half a unit in the last place, relative.
inline double rounding_of(FloatType type) {
  return type == FloatType::kFloat32 ? 0x1p-24 : type == FloatType::kBFloat16 ? 0x1p-8 : 0x1p-11;
}

}  // namespace serendip
