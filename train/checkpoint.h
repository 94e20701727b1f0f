// Checkpoints of a fine-tuning run: sft/step_N folders, each whole or absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace serendip {

// Names the settings and inputs that a run's checkpoints belong to.
class CheckpointFolder {
 public:
  // Checkpoints of another fingerprint are removed.
  CheckpointFolder(std::filesystem::path folder, const std::string& fingerprint);

  std::filesystem::path step(int64_t number) const;
  std::vector<int64_t> steps() const;  // that are there, ascending
  // Fills a folder beside and renames it to step_N.
  void save(int64_t number, const std::function<void(const std::filesystem::path&)>& fill) const;
  // Points folder/best at step_N, atomically.
  void choose(int64_t number) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace serendip
