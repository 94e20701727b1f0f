#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"

namespace serendip {
namespace {

constexpr int kBarWidth = 24;
constexpr double kTerminalInterval = 0.1, kPlainInterval = 10.0;  // seconds

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

Progress::Progress(std::string title, int64_t total, std::string unit)
    : title_(std::move(title)),
      unit_(std::move(unit)),
      total_(total),
      terminal_(isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { finish(); }

void Progress::advance(int64_t count, const std::string& detail) {
  done_ += count;
  if (!detail.empty()) detail_ = detail;
  const double since = std::chrono::duration<double>(Clock::now() - shown_).count();
  if (since >= (terminal_ ? kTerminalInterval : kPlainInterval)) show(false);
}

void Progress::finish() {
  if (finished_) return;
  finished_ = true;
  show(true);
}

void Progress::show(bool last) {
  if (!spdlog::should_log(spdlog::level::info)) return;
  shown_ = Clock::now();
  const double seconds = std::chrono::duration<double>(shown_ - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  std::string line = fmt::format("{:<10} ", title_);
  if (total_ > 0) {
    const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
    if (terminal_) {
      const int filled = static_cast<int>(share * kBarWidth);
      line += fmt::format("[{:=<{}}{:<{}}] ", "", filled, "", kBarWidth - filled);
    }
    line += fmt::format("{:3.0f}% {}/{} {}", 100 * share, done_, total_, unit_);
  } else {
    line += fmt::format("{} {}", done_, unit_);
  }
  line += fmt::format("  {:.{}f}/s  {}", rate, rate < 10 ? 2 : 0, duration_text(seconds));
  if (total_ > 0 && !last && rate > 0 && done_ < total_)
    line += fmt::format(" left {}", duration_text(static_cast<double>(total_ - done_) / rate));
  if (!detail_.empty()) line += "  " + detail_;
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ && !last ? "" : "\n");
  std::fflush(stderr);
}

}  // namespace serendip
