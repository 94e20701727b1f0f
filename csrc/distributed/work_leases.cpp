#include "distributed/work_leases.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/interrupt.h"
#include "distributed/heartbeat.h"
#include "distributed/job_store.h"

namespace serendip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPoll = std::chrono::milliseconds(200);
constexpr auto kFarewell = std::chrono::seconds(5);  // of a process that leaves work undone

std::string holder_key(int64_t piece) { return fmt::format("lease/{}/holder", piece); }
std::string done_key(int64_t piece) { return fmt::format("lease/{}/done", piece); }
std::string gone_key(int64_t rank) { return fmt::format("lease/gone/{}", rank); }

}  // namespace

void check_can_meet(const LaunchInfo& launch, const std::string& command) {
  SERENDIP_CHECK(launch.can_meet,
                 "{}: rank {} of {}: MASTER_ADDR is not set: the processes cannot meet", command,
                 launch.rank, launch.world_size);
}

struct WorkLeases::Shared {
  LaunchInfo launch;
  std::chrono::milliseconds expiry;
  c10::intrusive_ptr<c10d::Store> store;
  std::unique_ptr<Heartbeat> heartbeat;
  // Of each holder that is waited for: its last heartbeat, and when it was first seen.
  std::map<std::string, std::pair<int64_t, Clock::time_point>> beats;

  template <typename Call>
  auto guard(const Call& call) const {
    try {
      return call();
    } catch (const c10::Error& error) {
      fail(
          "rank {} of {}: the job's store is lost; the same command goes on with what is not done "
          "({})",
          launch.rank, launch.world_size, error.what_without_backtrace());
    }
  }
  // "" where none is known: its process has died between two words to the store.
  std::string holder(int64_t piece) {
    const std::string key = holder_key(piece);
    return store->check({key}) ? store->get_to_str(key) : "";
  }

  bool has_expired(const std::string& holder) {
    const int64_t beat = holder.empty() ? 0 : heartbeat->count(std::stoll(holder));
    const auto [seen, is_new] = beats.try_emplace(holder, beat, Clock::now());
    if (!is_new && seen->second.first != beat) seen->second = {beat, Clock::now()};
    return Clock::now() - seen->second.second >= expiry;
  }

  bool others_are_there() {
    for (int64_t rank = 0; rank < launch.world_size; ++rank)
      if (rank != launch.rank && !store->check({gone_key(rank)}) &&
          !has_expired(std::to_string(rank)))
        return true;
    return false;
  }
};

WorkLeases::WorkLeases(const LaunchInfo& launch, int64_t count, std::chrono::milliseconds expiry,
                       std::chrono::milliseconds timeout)
    : count_(count),
      taken_(launch.can_meet ? 0 : launch.rank),
      stride_(launch.can_meet ? 1 : launch.world_size),
      done_(static_cast<size_t>(count)) {
  if (launch.world_size == 1 || !launch.can_meet) return;
  shared_ = std::make_unique<Shared>();
  shared_->launch = launch;
  shared_->expiry = expiry;
  shared_->store = meet_at_job_store(launch, timeout);
  shared_->guard([&] {
    shared_->heartbeat =
        std::make_unique<Heartbeat>(shared_->store->clone(), launch.rank, launch.world_size);
  });
}

WorkLeases::~WorkLeases() {
  if (!shared_) return;
  try {
    shared_->store->set(gone_key(shared_->launch.rank), "");
    if (shared_->launch.rank != 0 || shared_->launch.agent_store) return;
    const bool all_done = count_done() == count_;
    const auto start = Clock::now();
    while (shared_->others_are_there() && (all_done || Clock::now() - start < kFarewell))
      std::this_thread::sleep_for(kPoll);
  } catch (const std::exception&) {  // the store is gone already
  }
}

std::optional<int64_t> WorkLeases::next() {
  for (; !given_up_; std::this_thread::sleep_for(kPoll)) {
    throw_if_interrupted();
    const std::lock_guard lock(mutex_);
    while (const std::optional<int64_t> piece = leased())
      if (!is_done(*piece)) return piece;
    if (!shared_ || count_done() == count_) return std::nullopt;
    if (const std::optional<int64_t> piece = abandoned()) return piece;
  }
  return std::nullopt;
}

// The next piece that no process had yet.
std::optional<int64_t> WorkLeases::leased() {
  if (taken_ >= count_) return std::nullopt;
  if (!shared_) return std::exchange(taken_, taken_ + stride_);
  taken_ = shared_->guard([&] { return shared_->store->add("lease/next", 1); }) - 1;
  if (taken_ >= count_) return std::nullopt;
  shared_->guard(
      [&] { shared_->store->set(holder_key(taken_), std::to_string(shared_->launch.rank)); });
  return taken_;
}

// A piece whose holder has died, now leased to this process.
std::optional<int64_t> WorkLeases::abandoned() {
  const std::string own = std::to_string(shared_->launch.rank);
  for (int64_t piece = 0; piece < count_; ++piece) {
    if (is_done(piece)) continue;
    const bool taken = shared_->guard([&] {
      const std::string holder = shared_->holder(piece);
      return holder != own && shared_->has_expired(holder) &&
             shared_->store->compareSet(holder_key(piece), holder, own) == own;
    });
    if (taken) return piece;
  }
  return std::nullopt;
}

bool WorkLeases::is_done(int64_t piece) {
  const auto at = static_cast<size_t>(piece);
  if (!done_[at] && shared_)
    done_[at] = shared_->guard([&] { return shared_->store->check({done_key(piece)}); });
  return done_[at];
}

void WorkLeases::finish(int64_t piece) {
  const std::lock_guard lock(mutex_);
  if (shared_ && !is_done(piece)) {
    // Two may have done it where a lease expired too soon; it counts once.
    const std::string own = fmt::format("{}.{}", shared_->launch.rank, piece);
    shared_->guard([&] {
      if (shared_->store->compareSet(done_key(piece), "", own) == own)
        shared_->store->add("lease/finished", 1);
    });
  }
  done_[static_cast<size_t>(piece)] = true;
}

int64_t WorkLeases::count_done() {
  if (!shared_) return std::count(done_.begin(), done_.end(), true);
  return shared_->guard([&] { return shared_->store->add("lease/finished", 0); });
}

int64_t WorkLeases::unfinished() {
  const std::lock_guard lock(mutex_);
  return count_ - count_done();
}

}  // namespace serendip
