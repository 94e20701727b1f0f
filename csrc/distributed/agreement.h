// What the first process of a job finds out, told to the others: one reads what all would read.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "distributed/launch.h"

namespace serendip {

class Agreement {
 public:
  // Meets the other processes, if there are any and they can; rank 0 keeps the job's store as long
  // as this object, unless an agent does. Throws Error when they do not all arrive.
  explicit Agreement(const LaunchInfo& launch,
                     std::chrono::milliseconds timeout = std::chrono::minutes(5));
  ~Agreement();
  Agreement(const Agreement&) = delete;
  Agreement& operator=(const Agreement&) = delete;

  // Rank 0's answer to the question of that name, asked once, for which the others wait as long as
  // it takes. Where the processes cannot meet, each answers for itself. Throws Error where rank 0
  // has failed or is lost, Interrupted on an interrupt.
  bool ask(const std::string& name, const std::function<bool()>& question);

 private:
  struct Shared;
  bool answer(const std::string& key, const std::function<bool()>& question);
  bool hear(const std::string& key);

  std::unique_ptr<Shared> shared_;  // none where this process meets no other
};

}  // namespace serendip
