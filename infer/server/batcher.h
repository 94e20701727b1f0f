// Dynamic batching: the sequence model reads the histories of several requests at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "infer/server/http.h"
#include "infer/server/metrics.h"
#include "infer/server/snapshot.h"

namespace serendip::server {

// [histories][clusters] items.
using RankedLists = std::vector<std::vector<std::vector<Recommendation>>>;

struct BatchJob {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Recommender::ClusterRequest> requests;
  Clock::time_point deadline;  // waiting longer is refused
  // With the lists, or the failure. On the model's thread: must not wait.
  std::function<void(RankedLists, std::exception_ptr)> done;
  Clock::time_point submitted = Clock::now();
};

// One thread of its own. While it works, jobs gather; the next batch takes those that belong to the
// first one's snapshot, in order, up to `batch` histories (a larger job goes alone). The first of a
// batch waits at most `wait` for others. Answers do not depend on what shares a batch.
class Batcher {
 public:
  Batcher(int64_t batch, std::chrono::duration<double> wait, Metrics& metrics);
  ~Batcher();  // finishes the jobs that are there
  void submit(BatchJob job);

 private:
  void run();
  std::vector<BatchJob> next_batch();
  void rank(std::vector<BatchJob> jobs);

  int64_t batch_;
  std::chrono::duration<double> wait_;
  Metrics& metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<BatchJob> jobs_;
  int64_t histories_ = 0;  // in jobs_
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace serendip::server
