#include "distributed/agreement.h"

#include <thread>

#include "base/check.h"
#include "base/interrupt.h"
#include "distributed/job_store.h"

namespace serendip {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(50);
constexpr auto kFarewell = std::chrono::seconds(10);  // for those that have not heard the answer
constexpr const char* kYes = "yes";
constexpr const char* kNo = "no";
constexpr const char* kFailed = "failed";

}  // namespace

struct Agreement::Shared {
  LaunchInfo launch;
  c10::intrusive_ptr<c10d::Store> store;
};

Agreement::Agreement(const LaunchInfo& launch, std::chrono::milliseconds timeout) {
  if (launch.world_size == 1 || !launch.can_meet) return;
  shared_ = std::make_unique<Shared>(Shared{launch, meet_at_job_store(launch, timeout)});
}

Agreement::~Agreement() = default;

bool Agreement::ask(const std::string& name, const std::function<bool()>& question) {
  if (!shared_) return question();
  const std::string key = "answer/" + name;
  return shared_->launch.rank == 0 ? answer(key, question) : hear(key);
}

bool Agreement::answer(const std::string& key, const std::function<bool()>& question) {
  c10d::Store& store = *shared_->store;
  bool yes = false;
  try {
    yes = question();
  } catch (...) {
    store.set(key, kFailed);
    throw;
  }
  store.set(key, yes ? kYes : kNo);
  if (shared_->launch.agent_store) return yes;
  const auto start = std::chrono::steady_clock::now();
  const int64_t others = shared_->launch.world_size - 1;
  while (store.add(key + "/heard", 0) < others &&
         std::chrono::steady_clock::now() - start < kFarewell)
    std::this_thread::sleep_for(kPoll);
  return yes;
}

bool Agreement::hear(const std::string& key) {
  const LaunchInfo& launch = shared_->launch;
  c10d::Store& store = *shared_->store;
  std::string answer = kFailed;
  try {
    while (!store.check({key})) {
      throw_if_interrupted();
      std::this_thread::sleep_for(kPoll);
    }
    answer = store.get_to_str(key);
    store.add(key + "/heard", 1);
  } catch (const c10::Error&) {  // rank 0 took the store with it
  }
  SERENDIP_CHECK(answer != kFailed, "rank {} of {}: rank 0 has failed or is lost", launch.rank,
                 launch.world_size);
  return answer == kYes;
}

}  // namespace serendip
