// Which process of a job is lost: each one counts up a number in the job's store twice a second.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace serendip {

class Heartbeat {
 public:
  // `store`: for this object alone.
  Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t world_size);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Called once a collective has failed: "rank 2 is lost", as whoever looked first has found; empty
  // where all go on. Takes ten seconds; of rank 0 up to twenty.
  std::string find_lost();
  // How often that process has beaten.
  int64_t count(int64_t rank);

 private:
  void beat();
  void read_verdict();
  std::vector<int64_t> counts();
  std::vector<int64_t> silent_ranks();
  std::string agree(const std::vector<int64_t>& lost);
  void wait_for_others(const std::vector<int64_t>& lost);

  c10::intrusive_ptr<c10d::Store> store_;
  int64_t rank_, world_size_;
  std::mutex mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;
  std::string verdict_;  // what another has found, kept for when the store is gone
  std::thread thread_;
};

}  // namespace serendip
