#include "infer/server/batcher.h"

#include <omp.h>

#include <iterator>

#include "infer/server/problem.h"

namespace serendip::server {

Batcher::Batcher(int64_t batch, std::chrono::duration<double> wait, Metrics& metrics)
    : batch_(batch), wait_(wait), metrics_(metrics), thread_([this] { run(); }) {}

Batcher::~Batcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Batcher::submit(BatchJob job) {
  {
    const std::lock_guard lock(mutex_);
    histories_ += static_cast<int64_t>(job.requests.size());
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

// Empty when there is nothing left to do.
std::vector<BatchJob> Batcher::next_batch() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
  if (!jobs_.empty() && wait_.count() > 0) {
    const auto until = jobs_.front().submitted + std::chrono::duration_cast<Clock::duration>(wait_);
    changed_.wait_until(lock, until, [&] { return stopping_ || histories_ >= batch_; });
  }
  std::vector<BatchJob> taken;
  int64_t histories = 0;
  while (!jobs_.empty()) {
    const auto more = static_cast<int64_t>(jobs_.front().requests.size());
    if (!taken.empty() &&
        (jobs_.front().snapshot != taken.front().snapshot || histories + more > batch_))
      break;
    histories += more;
    taken.push_back(std::move(jobs_.front()));
    jobs_.pop_front();
  }
  histories_ -= histories;
  return taken;
}

void Batcher::rank(std::vector<BatchJob> jobs) {
  const Clock::time_point started = Clock::now();
  std::vector<Recommender::ClusterRequest> requests;
  std::vector<BatchJob> kept;
  for (BatchJob& job : jobs) {
    metrics_.stage(Stage::kModelWait,
                   std::chrono::duration<double>(started - job.submitted).count());
    if (started > job.deadline) {
      job.done(
          {}, std::make_exception_ptr(Problem(503, "waited too long for the model", retry_soon())));
      continue;
    }
    std::move(job.requests.begin(), job.requests.end(), std::back_inserter(requests));
    kept.push_back(std::move(job));
  }
  if (kept.empty()) return;
  try {
    RankedLists lists = kept.front().snapshot->recommender.recommend_each(requests);
    metrics_.batch(requests.size());
    metrics_.stage(Stage::kModel, seconds_since(started));
    auto next = lists.begin();
    for (BatchJob& job : kept) {
      const auto end = next + static_cast<std::ptrdiff_t>(job.requests.size());
      job.done({std::make_move_iterator(next), std::make_move_iterator(end)}, nullptr);
      next = end;
    }
  } catch (...) {
    for (BatchJob& job : kept) job.done({}, std::current_exception());
  }
}

void Batcher::run() {
  omp_set_num_threads(1);  // the other cores read requests and write answers
  while (true) {
    std::vector<BatchJob> jobs = next_batch();
    if (jobs.empty()) return;
    rank(std::move(jobs));
  }
}

}  // namespace serendip::server
