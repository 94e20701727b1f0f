#include "distributed/heartbeat.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>

namespace serendip {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(500);
constexpr auto kSilence = std::chrono::seconds(3);  // of a lost process
const std::string kVerdict = "lost";

std::string key_of(int64_t rank) { return fmt::format("heartbeat/{}", rank); }

}  // namespace

Heartbeat::Heartbeat(c10::intrusive_ptr<c10d::Store> store, int64_t rank, int64_t world_size)
    : store_(std::move(store)), rank_(rank), world_size_(world_size), thread_([this] { beat(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  thread_.join();
}

void Heartbeat::beat() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    try {
      store_->add(key_of(rank_), 1);
      read_verdict();
    } catch (const std::exception&) {
      return;  // the store is gone; whoever waits on a collective will say so
    }
    stop_changed_.wait_for(lock, kInterval, [this] { return stop_; });
  }
}

void Heartbeat::read_verdict() {
  if (!verdict_.empty() || !store_->check({kVerdict})) return;
  const std::vector<uint8_t> found = store_->get(kVerdict);
  verdict_.assign(found.begin(), found.end());
}

int64_t Heartbeat::count(int64_t rank) {
  const std::lock_guard lock(mutex_);
  return store_->add(key_of(rank), 0);
}

std::vector<int64_t> Heartbeat::counts() {
  const std::lock_guard lock(mutex_);
  std::vector<int64_t> values;
  for (int64_t rank = 0; rank < world_size_; ++rank) values.push_back(store_->add(key_of(rank), 0));
  return values;
}

std::string Heartbeat::look() {
  const std::vector<int64_t> before = counts();
  std::this_thread::sleep_for(kSilence);
  const std::vector<int64_t> after = counts();
  std::vector<int64_t> lost;
  for (int64_t rank = 0; rank < world_size_; ++rank)
    if (rank != rank_ && before[static_cast<size_t>(rank)] == after[static_cast<size_t>(rank)])
      lost.push_back(rank);
  if (lost.empty()) return {};
  const std::string found = fmt::format("rank{} {} {} lost", lost.size() > 1 ? "s" : "",
                                        fmt::join(lost, ", "), lost.size() > 1 ? "are" : "is");
  // Those who look later also miss whoever looked before them and has ended.
  const std::lock_guard lock(mutex_);
  return store_->compareSet(kVerdict, "", found);
}

std::string Heartbeat::find_lost() {
  try {
    const std::string found = look();
    if (rank_ == 0) std::this_thread::sleep_for(kSilence);  // the store ends with this process
    return found;
  } catch (const std::exception&) {
    // Rank 0 may have ended because of another, which a process that waited for rank 0 alone has
    // not felt.
    const std::lock_guard lock(mutex_);
    return verdict_.empty() ? "rank 0, which keeps the store, is lost" : verdict_;
  }
}

}  // namespace serendip
