// The asynchronous copies that one thread has issued and not waited for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/kernels/cuda_on_host/source.h"

namespace cuda_on_host {

constexpr size_t kCopyBytes = 16;

class PendingCopies {
 public:
  // A late copy fills its destination with 0xff bytes and lands in wait(); others land here.
  void issue(void* shared, const void* global, bool late, Call call) {
    if (late)
      std::memset(shared, 0xff, kCopyBytes);
    else
      std::memcpy(shared, global, kCopyBytes);
    copies_.push_back({shared, global, open_group_, late, call});
  }

  // Two copies to one place are not ordered until the first is waited for.
  bool has(const void* shared) const {
    return std::any_of(copies_.begin(), copies_.end(),
                       [&](const Copy& copy) { return copy.shared == shared; });
  }
  void commit() { ++open_group_; }

  // Completes all committed groups but the latest `pending`.
  void wait(uint64_t pending) {
    const uint64_t end = open_group_ - (pending < open_group_ ? pending : open_group_);
    size_t count = 0;
    for (; count < copies_.size() && copies_[count].group < end; ++count)
      if (copies_[count].late)
        std::memcpy(copies_[count].shared, copies_[count].global, kCopyBytes);
    copies_.erase(copies_.begin(), copies_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  bool empty() const { return copies_.empty(); }
  Call oldest() const { return copies_.front().call; }
  void clear() {
    copies_.clear();
    open_group_ = 0;
  }

 private:
  struct Copy {
    void* shared;
    const void* global;
    uint64_t group;
    bool late;
    Call call;
  };
  std::vector<Copy> copies_;  // in order of issue
  uint64_t open_group_ = 0;   // groups committed so far
};

}  // namespace cuda_on_host
