// Data that do not fit the memory, in a file without a name: nothing is left behind by a killed
// process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace serendip {

class ScratchFile {
 public:
  // On the file system of `folder`, which exists. Throws Error, as all below, naming the folder.
  explicit ScratchFile(const std::filesystem::path& folder);
  ~ScratchFile();
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;

  // `position` counts values of T from the file's begin.
  template <typename T>
  void write(std::span<const T> values, int64_t position) {
    write_bytes(std::as_bytes(values), position * static_cast<int64_t>(sizeof(T)));
  }
  template <typename T>
  void read(std::span<T> values, int64_t position) const {
    read_bytes(std::as_writable_bytes(values), position * static_cast<int64_t>(sizeof(T)));
  }

 private:
  void write_bytes(std::span<const std::byte> bytes, int64_t offset);
  void read_bytes(std::span<std::byte> bytes, int64_t offset) const;

  std::filesystem::path folder_;
  int descriptor_;
};

}  // namespace serendip
