// Stages that know when their work is already done. A stage's manifest records the version of the
// program, its recipe section and the content hashes of its inputs and outputs; the stage is
// skipped when all of them are unchanged.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace serendip {

struct Stage {
  std::string name;                            // "import", "sft", …
  std::string settings;                        // canonical text of the recipe sections it reads
  std::vector<std::filesystem::path> inputs;   // files or folders
  std::vector<std::filesystem::path> outputs;  // files or folders
  // Does the work; what it returns is kept as the manifest's "result".
  std::function<nlohmann::json()> work;
  bool writes_manifest = true;  // of a job's processes the first does
  // Whether there is nothing to do, as `find` finds by reading inputs and outputs; a job's
  // processes let the first find it for all.
  std::function<bool(const std::function<bool()>& find)> agree = [](const auto& find) {
    return find();
  };
  nlohmann::json software = {};  // versions of what the program is made of, for the reader
};

struct StageOutcome {
  bool skipped;
  double seconds;       // of the run that made the outputs
  int64_t peak_memory;  // bytes, of the same run
  nlohmann::json result;
};

// Runs the stage or skips it. The manifest is run_folder/manifests/NAME.json, written after the
// outputs. Throws Error while another process runs the same stage in that folder, and where an
// input file is not as a stage of that folder left it.
StageOutcome run_stage(const std::filesystem::path& run_folder, const Stage& stage);

}  // namespace serendip
