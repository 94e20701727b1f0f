// A folder in memory for the files that a fuzzer's input becomes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"

namespace serendip {

// Runs `read(folder)` on one folder of the process; Error is the expected answer to hostile input.
template <typename Read>
int fuzz_folder(const Read& read) {
  static const std::filesystem::path folder = [] {
    std::string pattern = "/dev/shm/serendip_fuzz_XXXXXX";
    SERENDIP_CHECK(mkdtemp(pattern.data()) != nullptr, "{}: cannot create", pattern);
    return std::filesystem::path(pattern);
  }();
  try {
    read(folder);
  } catch (const Error&) {
  }
  return 0;
}

// The same with the input written as the file `name` of the folder.
template <typename Read>
int fuzz_file(const char* name, const uint8_t* data, size_t size, const Read& read) {
  return fuzz_folder([&](const std::filesystem::path& folder) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    read(folder);
  });
}

}  // namespace serendip
