#include "distributed/heartbeat.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>

namespace serendip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kInterval = std::chrono::milliseconds(500);
constexpr auto kSilence = std::chrono::seconds(10);  // of a lost process
const std::string kVerdict = "lost";

std::string key_of(int64_t rank) { return fmt::format("heartbeat/{}", rank); }
std::string told_key(int64_t rank) { return fmt::format("lost/told/{}", rank); }

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
  store_->set(told_key(rank_), "");
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

std::vector<int64_t> Heartbeat::silent_ranks() {
  const std::vector<int64_t> before = counts();
  std::this_thread::sleep_for(kSilence);
  const std::vector<int64_t> after = counts();
  std::vector<int64_t> lost;
  for (int64_t rank = 0; rank < world_size_; ++rank)
    if (rank != rank_ && before[static_cast<size_t>(rank)] == after[static_cast<size_t>(rank)])
      lost.push_back(rank);
  return lost;
}

// Those who look later also miss whoever looked before them and has ended: the first one's word
// counts.
std::string Heartbeat::agree(const std::vector<int64_t>& lost) {
  const std::lock_guard lock(mutex_);
  std::string found;
  if (!lost.empty())
    found = store_->compareSet(kVerdict, "",
                               fmt::format("rank{} {} {} lost", lost.size() > 1 ? "s" : "",
                                           fmt::join(lost, ", "), lost.size() > 1 ? "are" : "is"));
  store_->set(told_key(rank_), "");
  return found;
}

// The store ends with rank 0, which first lets the others read the word.
void Heartbeat::wait_for_others(const std::vector<int64_t>& lost) {
  std::vector<std::string> told;
  for (int64_t rank = 0; rank < world_size_; ++rank)
    if (rank != rank_ && std::find(lost.begin(), lost.end(), rank) == lost.end())
      told.push_back(told_key(rank));
  const auto end = Clock::now() + kSilence;
  while (!told.empty() && Clock::now() < end) {
    {
      const std::lock_guard lock(mutex_);
      if (store_->check(told)) return;
    }
    std::this_thread::sleep_for(kInterval);
  }
}

std::string Heartbeat::find_lost() {
  try {
    const std::vector<int64_t> lost = silent_ranks();
    const std::string found = agree(lost);
    if (rank_ == 0) wait_for_others(lost);
    return found;
  } catch (const std::exception&) {
    // Rank 0 may have ended because of another, which a process that waited for rank 0 alone has
    // not felt.
    const std::lock_guard lock(mutex_);
    return verdict_.empty() ? "rank 0, which keeps the store, is lost" : verdict_;
  }
}

}  // namespace serendip
