// Sorts events by (user, time, input order) in bounded memory: what does not fit waits in a scratch
// file, cut into ranges of users that do fit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/scratch_file.h"

namespace serendip {

struct ImportedEvent {
  int64_t time;  // seconds
  int32_t user, item;
  float reward;
};

// Holds at most `memory_events` events (24 bytes each, three times while sorting), or the busiest
// user's if those are more, and 16 bytes a user. Uses up to 48 bytes of disk an event.
class EventSorter {
 public:
  // Scratch files lie in `folder`.
  explicit EventSorter(std::filesystem::path folder, int64_t memory_events = int64_t{1} << 22);

  // Users are numbered from 0.
  void add(const ImportedEvent& event);
  int64_t event_count() const { return event_count_; }
  // [U + 1], U = highest user seen + 1: where each user's events begin in the sorted order.
  std::vector<int64_t> user_offsets() const;
  // Calls `consume` with consecutive stretches of the sorted events; the next one is sorted
  // meanwhile. Ends the sorter's use.
  void sort(const std::function<void(std::span<const ImportedEvent>)>& consume);

 private:
  void spill();
  // Those of users [first, last), out of the scratch file where events were spilled.
  std::vector<ImportedEvent> sorted_range(const std::vector<int64_t>& offsets, int64_t first,
                                          int64_t last);
  // Ranges of consecutive users [first, last) that fit the memory.
  std::vector<int64_t> range_ends() const;
  // Copies the spilled events into a second file, each range's together and in input order.
  std::unique_ptr<ScratchFile> scatter(const std::vector<int64_t>& range_ends,
                                       const std::vector<int64_t>& offsets) const;

  std::filesystem::path folder_;
  int64_t memory_events_, event_count_ = 0, spilled_ = 0;
  std::unique_ptr<ScratchFile> scratch_;  // none before the first spill
  std::vector<ImportedEvent> buffer_;
  std::vector<int64_t> user_events_;
};

}  // namespace serendip
