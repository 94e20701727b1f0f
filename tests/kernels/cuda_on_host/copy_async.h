// Asynchronous copies to shared memory: the host body of those of kernels/cuda_on_device.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/kernels/cuda_on_host/block.h"

namespace serendip::device {

// Throws when an address is not aligned to 16 bytes, the destination is not in shared memory or
// that of a copy that the thread has not waited for, and where the thread returns without having
// waited.
inline void copy_async_16(void* shared, const void* global,
                          cuda_on_host::Source source = cuda_on_host::Source::here()) {
  cuda_on_host::Block& block = cuda_on_host::running();
  const cuda_on_host::Call call{"copy_async_16", source};
  constexpr size_t kBytes = cuda_on_host::kCopyBytes;
  if (reinterpret_cast<uintptr_t>(shared) % kBytes != 0)
    block.fail(call, "the destination is not aligned to 16 bytes");
  if (reinterpret_cast<uintptr_t>(global) % kBytes != 0)
    block.fail(call, "the origin is not aligned to 16 bytes");
  if (!block.is_shared(shared, kBytes)) block.fail(call, "the destination is not in shared memory");
  if (block.copies().has(shared))
    block.fail(call, "the destination is that of a copy not waited for");
  block.copies().issue(shared, global, block.copies_are_late(), call);
}

inline void copy_async_commit() { cuda_on_host::running().copies().commit(); }

template <int Pending>
void copy_async_wait() {
  static_assert(Pending >= 0);
  cuda_on_host::running().copies().wait(Pending);
}

}  // namespace serendip::device
