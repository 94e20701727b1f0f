#include "base/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace serendip {
namespace fs = std::filesystem;

namespace {

// What follows the colon of the first line of `file` that begins with `field`.
std::string field_of(const fs::path& file, const std::string& field) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(field) || colon == std::string::npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::vector<std::string> gpu_names() {
  std::vector<std::string> names;
  std::error_code absent;
  for (const fs::directory_entry& gpu : fs::directory_iterator("/proc/driver/nvidia/gpus", absent))
    names.push_back(field_of(gpu.path() / "information", "Model"));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

nlohmann::json machine_json() {
  nlohmann::json machine = {{"cores", std::thread::hardware_concurrency()},
                            {"memory", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE)}};
  const std::string processor = field_of("/proc/cpuinfo", "model name");
  if (!processor.empty()) machine["processor"] = processor;
  utsname system = {};
  if (uname(&system) == 0)
    machine["system"] = std::string(system.sysname) + " " + system.release + " " + system.machine;
  const std::vector<std::string> gpus = gpu_names();
  if (!gpus.empty()) machine["gpus"] = gpus;
  return machine;
}

}  // namespace serendip
