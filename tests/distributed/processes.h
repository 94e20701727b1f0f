// The processes of a job, forked by a test before it has touched a Torch thread.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/distributed/free_port.h"

namespace serendip {

// Forks `count` of them, each with the variables that torchrun would set, and has each call `work`,
// whose result is its exit status. The one of rank `killed` is killed as soon as `kill_now` says
// so. Returns how many ended with 0.
inline int run_processes(int count, const std::function<int()>& work, int killed = -1,
                         const std::function<bool()>& kill_now = {}) {
  const std::string port = std::to_string(free_port());
  std::vector<pid_t> children;
  for (int rank = 0; rank < count; ++rank) {
    children.push_back(fork());
    if (children.back() != 0) continue;
    setenv("RANK", std::to_string(rank).c_str(), 1);
    setenv("WORLD_SIZE", std::to_string(count).c_str(), 1);
    setenv("MASTER_ADDR", "127.0.0.1", 1);
    setenv("MASTER_PORT", port.c_str(), 1);
    _exit(work());
  }
  int well = 0;
  for (const pid_t child : children) {
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (killed >= 0 && kill_now()) kill(children[static_cast<size_t>(killed)], SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    well += status == 0;
    const bool lost =
        WIFSIGNALED(status) && (killed < 0 || child != children[static_cast<size_t>(killed)]);
    EXPECT_FALSE(lost) << "a process was ended by signal " << WTERMSIG(status);
  }
  return well;
}

}  // namespace serendip
