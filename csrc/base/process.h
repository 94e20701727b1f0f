// What the operating system knows of this process.
#pragma once

#include <cstdint>

namespace serendip {

// Resident set in bytes.
int64_t resident_memory_bytes();
// Peak resident set in bytes since the start or the last reset.
int64_t peak_memory_bytes();
// Starts a new peak measurement (Linux: /proc/self/clear_refs); without effect where not permitted.
void reset_peak_memory();

}  // namespace serendip
