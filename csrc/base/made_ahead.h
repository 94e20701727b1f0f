// Values that are made while those before them are used.
#pragma once

#include <cstddef>
#include <future>
#include <type_traits>

namespace serendip {

// Calls use(i, make(i)) for 0, 1, … count - 1 in their order, on this thread; make(i + 1) meanwhile
// runs on another, one at a time. The first exception of either is thrown here.
template <typename Make, typename Use>
void for_each_made_ahead(size_t count, const Make& make, const Use& use) {
  if (count == 0) return;
  using Value = std::invoke_result_t<const Make&, size_t>;
  const auto start = [&make](size_t i) {
    return std::async(std::launch::async, [&make, i] { return make(i); });
  };
  std::future<Value> next = start(0);
  for (size_t i = 0; i < count; ++i) {
    Value now = next.get();
    if (i + 1 < count) next = start(i + 1);
    use(i, now);
  }
}

}  // namespace serendip
