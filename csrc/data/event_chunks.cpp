#include "data/event_chunks.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/hash.h"

namespace serendip {
namespace {

constexpr size_t kRows = 1 << 14;  // of a chunk
constexpr size_t kAhead = 4;       // chunks that are read before the thread waits

struct Stopped {};  // nobody wants the rest

// Appends the row; returns why it cannot be used, or "".
std::string append_row(const TableRow& row, const EventColumns& columns, EventChunk& chunk) {
  if (!row.problem.empty()) return row.problem;
  const std::string &user = row.fields[0], &item = row.fields[1];
  if (user.empty()) return fmt::format("empty '{}'", columns.user);
  if (item.empty()) return fmt::format("empty '{}'", columns.item);
  const std::optional<int64_t> time = parse_time(row.fields[2]);
  if (!time) return fmt::format("{} '{}' is no number of seconds", columns.time, row.fields[2]);
  const std::optional<float> reward =
      columns.reward.empty() ? std::optional(1.0f) : parse_reward(row.fields[3]);
  if (!reward) return fmt::format("{} '{}' is no finite number", columns.reward, row.fields[3]);
  const size_t user_end = (chunk.ids += user).size(), item_end = (chunk.ids += item).size();
  chunk.rows.push_back({*time, hash64(user), hash64(item), user_end, item_end, *reward});
  return {};
}

}  // namespace

EventChunks::EventChunks(std::filesystem::path part, EventColumns columns, TextFormat format)
    : part_(std::move(part)),
      columns_(std::move(columns)),
      format_(std::move(format)),
      thread_([this] { read(); }) {}

EventChunks::~EventChunks() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void EventChunks::hand_over(EventChunk& chunk) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || read_.size() < kAhead; });
    if (stopped_) throw Stopped();
    read_.push(std::exchange(chunk, {}));
  }
  changed_.notify_all();
}

void EventChunks::read() {
  std::exception_ptr failure;
  try {
    EventChunk chunk;
    read_part(part_, {columns_.user, columns_.item, columns_.time, columns_.reward}, format_,
              [&](const TableRow& row) {
                std::string problem = append_row(row, columns_, chunk);
                if (!problem.empty()) chunk.bad_rows.push_back({row.number, std::move(problem)});
                if (chunk.rows.size() + chunk.bad_rows.size() == kRows) hand_over(chunk);
              });
    hand_over(chunk);
  } catch (const Stopped&) {
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    failure_ = failure;
    ended_ = true;
  }
  changed_.notify_all();
}

bool EventChunks::next(EventChunk& chunk) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !read_.empty() || ended_; });
    if (read_.empty() && failure_) std::rethrow_exception(failure_);
    if (read_.empty()) return false;
    chunk = std::move(read_.front());
    read_.pop();
  }
  changed_.notify_all();
  return true;
}

}  // namespace serendip
