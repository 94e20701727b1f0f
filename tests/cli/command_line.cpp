#include "tests/cli/command_line.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "base/check.h"
#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

void redirect(const fs::path& path, int flags, int descriptor) {
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(126);
}

// In the child: never returns.
[[noreturn]] void start(const fs::path& folder, std::vector<char*> arguments,
                        const CommandSetting& setting, const fs::path& in, const fs::path& out,
                        const fs::path& err) {
  redirect(in, O_RDONLY, STDIN_FILENO);
  redirect(out, O_WRONLY | O_CREAT, STDOUT_FILENO);
  redirect(err, O_WRONLY | O_CREAT, STDERR_FILENO);
  if (chdir(folder.c_str()) != 0) _exit(126);
  if (setting.file_size_limit > 0) {
    const auto bytes = static_cast<rlim_t>(setting.file_size_limit);
    const rlimit limit = {bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  execv(arguments.front(), arguments.data());
  _exit(127);
}

bool signal_is_due(const CommandSetting& setting, double seconds, const fs::path& err) {
  if (setting.signal_after > 0 && seconds >= setting.signal_after) return true;
  return !setting.signal_at.empty() && fs::exists(err) &&
         read_file(err).find(setting.signal_at) != std::string::npos;
}

int wait_for(pid_t process, const CommandSetting& setting, Clock::time_point started,
             const fs::path& err) {
  bool waits_for_end = setting.signal_after <= 0 && setting.signal_at.empty();
  int status = 0;
  while (waitpid(process, &status, waits_for_end ? 0 : WNOHANG) == 0) {
    if (signal_is_due(setting, seconds_since(started), err)) {
      kill(process, setting.signal);
      waits_for_end = true;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return status;
}

}  // namespace

std::string CommandResult::error_line() const {
  std::istringstream lines(err);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("serendip: ")) continue;
    if (!found.empty()) return {};
    found = line;
  }
  return found;
}

CommandResult run_command(const fs::path& folder, const std::vector<std::string>& arguments,
                          const CommandSetting& setting) {
  const std::string binary = environment("SERENDIP_BINARY");
  SERENDIP_CHECK(!binary.empty(), "SERENDIP_BINARY is not set");
  const TemporaryFolder streams;
  write_file(streams / "in", setting.input);
  const fs::path out = setting.out_path.empty() ? streams / "out" : setting.out_path;
  std::vector<std::string> all = {binary};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  const Clock::time_point started = Clock::now();
  const pid_t process = fork();
  SERENDIP_CHECK(process >= 0, "cannot fork");
  if (process == 0) start(folder, pointers, setting, streams / "in", out, streams / "err");
  const int status = wait_for(process, setting, started, streams / "err");

  CommandResult result;
  result.seconds = seconds_since(started);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  if (setting.out_path.empty()) result.out = read_file(out);
  result.err = read_file(streams / "err");
  return result;
}

fs::path source_path(const std::string& name) {
  return fs::path(environment("SERENDIP_SOURCE_DIR")) / name;
}

fs::path data_path(const std::string& name) {
  const std::string data = environment("SERENDIP_DATA");
  return (data.empty() ? source_path("../shared/data") : fs::path(data)) / name;
}

}  // namespace serendip
