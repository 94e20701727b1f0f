// Checkpoints of a fine-tuning run: sft/step_N folders, each whole or absent, and the evaluations
// of all steps, which outlive them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

class CheckpointFolder {
 public:
  // `fingerprint` names the settings and inputs that a run's checkpoints belong to; those of
  // another are moved to a folder beside, FOLDER.old, in the place of what was there.
  CheckpointFolder(std::filesystem::path folder, const std::string& fingerprint);

  std::filesystem::path step(int64_t number) const;
  std::vector<int64_t> steps() const;  // that are there, ascending
  // The last with a trainer's state, from which a run can go on; -1 without one.
  int64_t last_resumable() const;
  // Fills a folder beside and renames it to step_N (write_folder).
  void save(int64_t number, const std::function<void(const std::filesystem::path&)>& fill) const;
  // Points folder/best at step_N, atomically.
  void choose(int64_t number) const;
  // Removes all but the last `keep_last` (0: none) and `best`, which loses its trainer's state when
  // it is not among them.
  void prune(int64_t keep_last, int64_t best) const;

  // In folder/evaluations; a step's is written once.
  void save_evaluation(int64_t step, const nlohmann::json& evaluation) const;
  std::vector<nlohmann::json> evaluations() const;  // by step

 private:
  std::filesystem::path folder_;
};

}  // namespace serendip
