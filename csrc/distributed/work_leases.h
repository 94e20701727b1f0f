// Pieces of work shared out over the processes of a job, without collectives: a process that is
// lost costs the others what it had begun.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "distributed/launch.h"

namespace serendip {

// Throws Error, naming the command, where the processes have no place to meet: for work that one of
// them puts together.
void check_can_meet(const LaunchInfo& launch, const std::string& command);

// Pieces [0, count), the same for all processes. Each is leased to one through the job's store; a
// lease whose holder has shown no sign of life for `expiry` goes to another. Where the processes
// cannot meet, each has those of its own stride: rank, rank + world_size, …
class WorkLeases {
 public:
  // Meets the other processes, if there are any and they can. Throws Error when they do not all
  // arrive.
  WorkLeases(const LaunchInfo& launch, int64_t count,
             std::chrono::milliseconds expiry = std::chrono::seconds(15),
             std::chrono::milliseconds timeout = std::chrono::minutes(5));
  // Rank 0, where it keeps the store, waits for the others to see the end: those that show signs of
  // life; a little where something is left to do, which may be its own.
  ~WorkLeases();
  WorkLeases(const WorkLeases&) = delete;
  WorkLeases& operator=(const WorkLeases&) = delete;

  // The next piece that is not done, for any thread of this process. Where all others are leased,
  // waits until a lease expires or all are done: then nothing. Throws Error when the store is lost,
  // Interrupted on an interrupt.
  std::optional<int64_t> next();
  // The piece is done, leased or not; said again, it changes nothing.
  void finish(int64_t piece);
  // This process has failed: next() has nothing more for any of its threads.
  void give_up() { given_up_ = true; }
  // How many no process has done, as far as this one can know.
  int64_t unfinished();

 private:
  struct Shared;
  // All with the mutex held.
  std::optional<int64_t> leased();
  std::optional<int64_t> abandoned();
  bool is_done(int64_t piece);
  int64_t count_done();

  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;
  int64_t count_, taken_, stride_;
  std::vector<bool> done_;          // as far as this process knows
  std::unique_ptr<Shared> shared_;  // none where this process meets no other
};

}  // namespace serendip
