// A file that one process at a time may hold.
#pragma once

#include <filesystem>

namespace serendip {

// Holds `path`, made where it is absent, until destroyed or the process ends; the file stays.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  // False where another process holds it.
  bool held() const { return held_; }

 private:
  int descriptor_;
  bool held_;
};

}  // namespace serendip
