#include "base/process.h"

#include <fstream>
#include <string>

namespace serendip {

namespace {

// A field of /proc/self/status, in bytes.
int64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stoll(line.substr(field.size())) * 1024;
  return 0;
}

}  // namespace

int64_t resident_memory_bytes() { return status_bytes("VmRSS:"); }

int64_t peak_memory_bytes() { return status_bytes("VmHWM:"); }

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace serendip
