// Progress of long work on stderr: a bar with rate and time left on a terminal, plain lines
// elsewhere; nothing where log lines of level info are not shown.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace serendip {

class Progress {
 public:
  // `unit` names what is counted, in the plural: "events", "steps", "contexts". total 0 = unknown.
  Progress(std::string title, int64_t total, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Counts `count` more; `detail` ("loss 1.23") is shown behind the rate.
  void advance(int64_t count, const std::string& detail = {});
  // Ends the line; also done by the destructor.
  void finish();

 private:
  void show(bool last);

  using Clock = std::chrono::steady_clock;
  std::string title_, unit_, detail_;
  int64_t total_, done_ = 0;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
  bool terminal_, finished_ = false;
};

}  // namespace serendip
