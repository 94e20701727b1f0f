// A test's own act at a moment of the product's: files and folders that it writes whole are flushed
// to disk before and after they get their names.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>

namespace serendip {

inline std::function<void()> before_fsync;  // called on the thread that flushes

// This process gets the signal, once, at its first flush with `path` there.
inline void raise_at(const std::filesystem::path& path, int signal) {
  before_fsync = [path, signal, raised = false]() mutable {
    if (raised || !std::filesystem::exists(path)) return;
    raised = true;
    raise(signal);
  };
}

}  // namespace serendip

// In place of the C library's.
extern "C" [[gnu::used]] inline int fsync(int descriptor) {
  if (serendip::before_fsync) serendip::before_fsync();
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}
