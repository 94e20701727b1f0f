#include "train/checkpoint.h"

#include <algorithm>

#include "base/check.h"
#include "base/file.h"

namespace serendip {
namespace fs = std::filesystem;

CheckpointFolder::CheckpointFolder(fs::path folder, const std::string& fingerprint)
    : folder_(std::move(folder)) {
  const fs::path owner = folder_ / "fingerprint";
  if (fs::exists(owner) && read_file(owner) == fingerprint) return;
  fs::remove_all(folder_);
  write_file(owner, fingerprint);
}

fs::path CheckpointFolder::step(int64_t number) const {
  return folder_ / fmt::format("step_{}", number);
}

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> numbers;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step_") && name.find_first_not_of("0123456789", 5) == std::string::npos)
      numbers.push_back(std::stoll(name.substr(5)));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

void CheckpointFolder::save(int64_t number, const std::function<void(const fs::path&)>& fill) const {
  const fs::path temporary = folder_ / "step.tmp", target = step(number);
  fs::remove_all(temporary);
  fs::create_directories(temporary);
  try {
    fill(temporary);
    fs::remove_all(target);
    fs::rename(temporary, target);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

void CheckpointFolder::choose(int64_t number) const {
  const fs::path temporary = folder_ / "best.tmp";
  fs::remove(temporary);
  fs::create_directory_symlink(step(number).filename(), temporary);
  fs::rename(temporary, folder_ / "best");
}

}  // namespace serendip
