#include "train/checkpoint.h"

#include <algorithm>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// The numbers N of the entries PREFIX_N of a folder, ascending.
std::vector<int64_t> numbered(const fs::path& folder, const std::string& prefix,
                              const std::string& suffix = {}) {
  std::vector<int64_t> numbers;
  if (!fs::exists(folder)) return numbers;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    const std::string number =
        name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos)
      numbers.push_back(std::stoll(number));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

CheckpointFolder::CheckpointFolder(fs::path folder, const std::string& fingerprint)
    : folder_(std::move(folder)) {
  const fs::path owner = folder_ / "fingerprint";
  if (fs::exists(owner) && read_file(owner) == fingerprint) return;
  if (fs::exists(owner)) {
    fs::path old = folder_;
    old += ".old";
    fs::remove_all(old);
    fs::rename(folder_, old);
    spdlog::warn("sft: settings or inputs have changed: the checkpoints of before are in {}",
                 old.string());
  }
  fs::remove_all(folder_);
  write_file(owner, fingerprint);
}

fs::path CheckpointFolder::step(int64_t number) const {
  return folder_ / fmt::format("step_{}", number);
}

std::vector<int64_t> CheckpointFolder::steps() const { return numbered(folder_, "step_"); }

int64_t CheckpointFolder::last_resumable() const {
  int64_t last = -1;
  for (const int64_t number : steps())
    if (fs::exists(step(number) / "trainer")) last = number;
  return last;
}

void CheckpointFolder::save(int64_t number,
                            const std::function<void(const fs::path&)>& fill) const {
  write_folder(step(number), fill);
}

void CheckpointFolder::choose(int64_t number) const {
  const fs::path temporary = folder_ / "best.tmp";
  fs::remove(temporary);
  fs::create_directory_symlink(step(number).filename(), temporary);
  fs::rename(temporary, folder_ / "best");
}

void CheckpointFolder::prune(int64_t keep_last, int64_t best) const {
  const std::vector<int64_t> numbers = steps();
  const auto kept = static_cast<size_t>(keep_last);
  if (keep_last == 0 || numbers.size() <= kept) return;
  for (size_t i = 0; i < numbers.size() - kept; ++i)
    fs::remove_all(numbers[i] == best ? step(best) / "trainer" : step(numbers[i]));
}

void CheckpointFolder::save_evaluation(int64_t step, const nlohmann::json& evaluation) const {
  write_file(folder_ / "evaluations" / fmt::format("step_{}.json", step),
             evaluation.dump(1) + "\n");
}

std::vector<nlohmann::json> CheckpointFolder::evaluations() const {
  std::vector<nlohmann::json> all;
  for (const int64_t number : numbered(folder_ / "evaluations", "step_", ".json"))
    all.push_back(nlohmann::json::parse(
        read_file(folder_ / "evaluations" / fmt::format("step_{}.json", number))));
  return all;
}

}  // namespace serendip
