#include "data/event_sorter.h"

#include <algorithm>

#include "base/interrupt.h"
#include "base/made_ahead.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kScatterBuffer = 2048;  // events gathered for a range before they are written

// By user, each of whose events have their place there, then by time. `place` [users]: where the
// first of each goes; moved on.
std::vector<ImportedEvent> sort_events(std::span<const ImportedEvent> events, int64_t first_user,
                                       std::vector<int64_t>& place) {
  std::vector<ImportedEvent> sorted(events.size());
  for (const ImportedEvent& event : events)
    sorted[static_cast<size_t>(place[static_cast<size_t>(event.user - first_user)]++)] = event;
  const auto is_earlier = [](const ImportedEvent& a, const ImportedEvent& b) {
    return a.time < b.time;
  };
  int64_t begin = 0;
  for (const int64_t end : place) {  // now where the next user's begin
    const auto first = sorted.begin() + begin, last = sorted.begin() + end;
    if (!std::is_sorted(first, last, is_earlier)) std::stable_sort(first, last, is_earlier);
    begin = end;
  }
  return sorted;
}

}  // namespace

EventSorter::EventSorter(fs::path folder, int64_t memory_events)
    : folder_(std::move(folder)), memory_events_(memory_events) {}

void EventSorter::add(const ImportedEvent& event) {
  const auto user = static_cast<size_t>(event.user);
  if (user >= user_events_.size()) user_events_.resize(user + 1);
  ++user_events_[user];
  buffer_.push_back(event);
  ++event_count_;
  if (static_cast<int64_t>(buffer_.size()) >= memory_events_) spill();
}

void EventSorter::spill() {
  if (!scratch_) scratch_ = std::make_unique<ScratchFile>(folder_);
  scratch_->write<ImportedEvent>(buffer_, spilled_);
  spilled_ += static_cast<int64_t>(buffer_.size());
  buffer_.clear();
}

std::vector<int64_t> EventSorter::user_offsets() const {
  std::vector<int64_t> offsets(1, 0);
  for (const int64_t count : user_events_) offsets.push_back(offsets.back() + count);
  return offsets;
}

std::vector<int64_t> EventSorter::range_ends() const {
  std::vector<int64_t> ends;
  int64_t held = 0;
  for (size_t user = 0; user < user_events_.size(); ++user) {
    if (held > 0 && held + user_events_[user] > memory_events_) {
      ends.push_back(static_cast<int64_t>(user));
      held = 0;
    }
    held += user_events_[user];
  }
  ends.push_back(static_cast<int64_t>(user_events_.size()));
  return ends;
}

std::unique_ptr<ScratchFile> EventSorter::scatter(const std::vector<int64_t>& range_ends,
                                                  const std::vector<int64_t>& offsets) const {
  auto scattered = std::make_unique<ScratchFile>(folder_);
  std::vector<std::vector<ImportedEvent>> pending(range_ends.size());
  std::vector<int64_t> position;
  std::vector<int32_t> range_of;  // by user
  for (size_t range = 0; range < range_ends.size(); ++range) {
    position.push_back(offsets[range_of.size()]);
    range_of.resize(static_cast<size_t>(range_ends[range]), static_cast<int32_t>(range));
  }
  const auto flush = [&](size_t range) {
    scattered->write<ImportedEvent>(pending[range], position[range]);
    position[range] += static_cast<int64_t>(pending[range].size());
    pending[range].clear();
  };
  std::vector<ImportedEvent> block(static_cast<size_t>(std::min(memory_events_, int64_t{1} << 16)));
  for (int64_t begin = 0; begin < spilled_; begin += static_cast<int64_t>(block.size())) {
    throw_if_interrupted();
    block.resize(std::min(block.size(), static_cast<size_t>(spilled_ - begin)));
    scratch_->read<ImportedEvent>(block, begin);
    for (const ImportedEvent& event : block) {
      const auto range = static_cast<size_t>(range_of[static_cast<size_t>(event.user)]);
      pending[range].push_back(event);
      if (static_cast<int64_t>(pending[range].size()) >= kScatterBuffer) flush(range);
    }
  }
  for (size_t range = 0; range < range_ends.size(); ++range) flush(range);
  return scattered;
}

std::vector<ImportedEvent> EventSorter::sorted_range(const std::vector<int64_t>& offsets,
                                                     int64_t first, int64_t last) {
  throw_if_interrupted();
  const int64_t begin = offsets[static_cast<size_t>(first)];
  if (spilled_ > 0) {
    buffer_.resize(static_cast<size_t>(offsets[static_cast<size_t>(last)] - begin));
    scratch_->read<ImportedEvent>(buffer_, begin);
  }
  std::vector<int64_t> place;
  for (int64_t user = first; user < last; ++user)
    place.push_back(offsets[static_cast<size_t>(user)] - begin);
  return sort_events(buffer_, first, place);
}

void EventSorter::sort(const std::function<void(std::span<const ImportedEvent>)>& consume) {
  const std::vector<int64_t> offsets = user_offsets();
  std::vector<int64_t> ends = {static_cast<int64_t>(user_events_.size())};
  if (spilled_ > 0) {
    spill();
    ends = range_ends();
    scratch_ = scatter(ends, offsets);
  }
  for_each_made_ahead(
      ends.size(),
      [&](size_t range) {
        return sorted_range(offsets, range == 0 ? 0 : ends[range - 1], ends[range]);
      },
      [&](size_t, const std::vector<ImportedEvent>& sorted) {
        if (!sorted.empty()) consume(sorted);
      });
}

}  // namespace serendip
