// Runs the program as a user would, and sees what a user sees.
#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

struct CommandResult {
  int exit_code = -1;  // -1 when a signal ended it
  int signal = 0;
  double seconds = 0;
  std::string out, err;

  // The error line that main prints; empty when there is not exactly one "serendip: …" line.
  std::string error_line() const;
};

struct CommandSetting {
  std::string input{};          // stdin
  int64_t file_size_limit = 0;  // bytes; no file may grow beyond it, like a full disk
  double signal_after = 0;      // seconds; 0 = never
  std::string signal_at{};      // as soon as stderr holds this text; empty = never
  int signal = SIGKILL;
  std::filesystem::path out_path{};  // stdout goes there, not to `out`
};

// $SERENDIP_BINARY with the arguments, in `folder`.
CommandResult run_command(const std::filesystem::path& folder,
                          const std::vector<std::string>& arguments,
                          const CommandSetting& setting = {});

// A file of the source tree.
std::filesystem::path source_path(const std::string& name);
// Data beside the project: $SERENDIP_DATA, else ../shared/data. May be absent.
std::filesystem::path data_path(const std::string& name);

}  // namespace serendip
