#include "data/event_chunks.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "data/import_rows.h"

namespace serendip {
namespace {

constexpr size_t kRows = 1 << 14;  // of a chunk
constexpr size_t kAhead = 4;       // chunks that a thread reads before it waits

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

EventChunks::EventChunks(const std::filesystem::path& path, EventColumns columns, TextFormat format,
                         int64_t threads)
    : parts_(table_parts(path)),
      columns_(std::move(columns)),
      format_(std::move(format)),
      readers_(std::min(static_cast<size_t>(threads), parts_.size())) {
  for (size_t reader = 0; reader < readers_.size(); ++reader)
    readers_[reader].thread = std::thread([this, reader] { read_parts(reader); });
}

EventChunks::~EventChunks() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  for (Reader& reader : readers_) reader.thread.join();
}

void EventChunks::hand_over(Reader& reader, EventChunk& chunk) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || reader.done.size() < kAhead; });
    if (stopped_) throw Stopped();
    reader.done.push(std::exchange(chunk, {}));
  }
  changed_.notify_all();
}

void EventChunks::read_parts(size_t index) {
  Reader& reader = readers_[index];
  try {
    EventChunk chunk;
    for (size_t part = index; part < parts_.size(); part += readers_.size()) {
      chunk.part = parts_[part];
      const std::vector<std::string> columns = {columns_.user, columns_.item, columns_.time,
                                                columns_.reward};
      read_part(parts_[part], columns, format_, [&](const TableRow& row) {
        std::string problem = append_row(row, columns_, chunk);
        if (!problem.empty()) chunk.bad_rows.push_back({row.number, std::move(problem)});
        if (chunk.rows.size() + chunk.bad_rows.size() < kRows) return;
        hand_over(reader, chunk);
        chunk.part = parts_[part];
      });
      chunk.ends_part = true;
      hand_over(reader, chunk);
    }
  } catch (const Stopped&) {
  } catch (...) {
    const std::lock_guard lock(mutex_);
    reader.failure = std::current_exception();
  }
  changed_.notify_all();
}

bool EventChunks::next(EventChunk& chunk) {
  if (part_ == parts_.size()) return false;
  Reader& reader = readers_[part_ % readers_.size()];
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !reader.done.empty() || reader.failure; });
    if (reader.done.empty()) std::rethrow_exception(reader.failure);
    chunk = std::move(reader.done.front());
    reader.done.pop();
  }
  changed_.notify_all();
  part_ += chunk.ends_part;
  return true;
}

}  // namespace serendip
