// What the shim's own tests share.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/kernels/cuda_on_host.h"

namespace cuda_on_host {

constexpr size_t kFloatBytes = sizeof(float);

// The schedules under which `is_right` is false.
inline std::set<Schedule> schedules_that_find(const std::function<bool(Schedule)>& is_right) {
  std::set<Schedule> found;
  for (const Schedule schedule : kSchedules)
    if (!is_right(schedule)) found.insert(schedule);
  return found;
}

// What a launch throws; empty when it throws nothing.
template <typename... Arguments>
std::string error_of(Arguments... arguments) {
  try {
    launch(arguments...);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace cuda_on_host
