#include "tests/server/server_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <regex>
#include <thread>

#include "base/check.h"
#include "base/file.h"

namespace serendip::server {

ServerProcess::ServerProcess(const std::filesystem::path& run_folder,
                             const std::vector<std::string>& settings) {
  const char* binary = std::getenv("SERENDIP_BINARY");
  SERENDIP_CHECK(binary != nullptr, "SERENDIP_BINARY is not set");
  std::vector<std::string> arguments = {binary,
                                        "serve",
                                        "run.folder=" + run_folder.string(),
                                        "serve.port=0",
                                        "serve.admin_port=0",
                                        "serve.access_log=" + (folder_ / "access").string()};
  arguments.insert(arguments.end(), settings.begin(), settings.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string log = (folder_ / "log").string();
  process_ = fork();
  if (process_ == 0) {
    const int file = open(log.c_str(), O_WRONLY | O_CREAT, 0600);
    dup2(file, STDERR_FILENO);
    execv(pointers.front(), pointers.data());
    _exit(127);
  }
  read_ports();
}

ServerProcess::~ServerProcess() {
  if (process_ < 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

void ServerProcess::read_ports() {
  const std::regex ready("ready: http://[0-9.]+:(\\d+), reload at http://127.0.0.1:(\\d+)");
  for (int tries = 0; tries < 6'000; ++tries) {
    const std::string text = log();
    std::smatch found;
    if (std::regex_search(text, found, ready)) {
      port_ = std::stoi(found[1]);
      admin_port_ = std::stoi(found[2]);
      return;
    }
    if (text.find("serendip: ") != std::string::npos) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  fail("the server is not ready after a minute: {}", log());
}

void ServerProcess::send_signal(int signal) const { kill(process_, signal); }

int ServerProcess::wait_for_exit() {
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string ServerProcess::log() const {
  return std::filesystem::exists(folder_ / "log") ? read_file(folder_ / "log") : "";
}

std::string ServerProcess::access_log() const { return read_file(folder_ / "access"); }

}  // namespace serendip::server
