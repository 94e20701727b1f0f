#include "cli/policy_folders.h"

#include <filesystem>

#include "base/check.h"

namespace serendip {

void add_policy_folders(CLI::App& command, std::vector<std::string>& folders) {
  command
      .add_option("--with", folders,
                  "a trained policy's folder over the same tree; repeat for several")
      ->type_name("FOLDER")
      ->expected(1)
      ->take_all();
}

void check_policy_folder(const std::string& folder) {
  SERENDIP_CHECK(std::filesystem::exists(folder), "--with: no folder '{}'", folder);
}

}  // namespace serendip
