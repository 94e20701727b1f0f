// The number of CPU threads, set for OpenMP and LibTorch alike.
#pragma once

#include <cstdint>

namespace serendip {

// 0 leaves the libraries' own choice: every core.
void set_threads(int64_t count);

}  // namespace serendip
