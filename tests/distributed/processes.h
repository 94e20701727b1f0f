// The processes of a job, forked by a test before it has touched a Torch thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "tests/distributed/free_port.h"

namespace serendip {

// Forks `count` of them, each with the variables that torchrun would set, and has each call `work`,
// whose result is its exit status. A signal may end the one of rank `killed` alone. Returns how
// many ended with 0.
inline int run_processes(int count, const std::function<int()>& work, int killed = -1) {
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
  for (int rank = 0; rank < count; ++rank) {
    int status = 0;
    waitpid(children[static_cast<size_t>(rank)], &status, 0);
    well += status == 0;
    EXPECT_FALSE(WIFSIGNALED(status) && rank != killed)
        << "rank " << rank << " was ended by signal " << WTERMSIG(status);
  }
  return well;
}

}  // namespace serendip
