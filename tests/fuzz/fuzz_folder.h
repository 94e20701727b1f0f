// A folder in memory for the file that a fuzzer's input becomes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"

namespace serendip {

// Writes the input as `name` into one folder of the process and runs `read(folder)`; Error is the
// expected answer to hostile input.
template <typename Read>
int fuzz_file(const char* name, const uint8_t* data, size_t size, const Read& read) {
  static const std::filesystem::path folder = [] {
    std::string pattern = "/dev/shm/serendip_fuzz_XXXXXX";
    SERENDIP_CHECK(mkdtemp(pattern.data()) != nullptr, "{}: cannot create", pattern);
    return std::filesystem::path(pattern);
  }();
  std::ofstream(folder / name, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    read(folder);
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace serendip
