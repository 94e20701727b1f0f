// `serendip serve` as a process of its own, on free ports.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/base/temporary_folder.h"

namespace serendip::server {

class ServerProcess {
 public:
  // Serves the run folder; returns when the server is ready or has ended.
  ServerProcess(const std::filesystem::path& run_folder, const std::vector<std::string>& settings);
  ~ServerProcess();  // kills it
  ServerProcess(const ServerProcess&) = delete;

  int port() const { return port_; }
  int admin_port() const { return admin_port_; }
  void send_signal(int signal) const;
  int wait_for_exit();      // its exit code; minus the signal that ended it
  std::string log() const;  // stderr
  std::string access_log() const;

 private:
  void read_ports();

  TemporaryFolder folder_;
  pid_t process_ = -1;
  int port_ = 0, admin_port_ = 0;
};

}  // namespace serendip::server
