#include "transitions/counting.h"

#include <omp.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/scratch_file.h"
#include "transitions/row_key.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr size_t kBlockRows = 1 << 16;  // of a result, and read at a time of a run on disk

template <size_t W>
struct CountedKey {
  RowKey<W> key;
  int64_t count;
};

// Ascending distinct keys, wherever they lie.
template <size_t W>
class Run {
 public:
  using Row = CountedKey<W>;
  // Replaces the block by the next rows; leaves it empty at the end.
  using Refill = std::function<void(std::vector<Row>& block)>;

  explicit Run(std::vector<Row> rows) : block_(std::move(rows)) {}
  explicit Run(Refill refill) : refill_(std::move(refill)) {}

  // The next row without taking it; null at the end.
  const Row* peek() {
    if (position_ == block_.size() && refill_) {
      position_ = 0;
      refill_(block_);
    }
    return position_ < block_.size() ? &block_[position_] : nullptr;
  }
  void take() { ++position_; }

 private:
  std::vector<Row> block_;
  size_t position_ = 0;
  Refill refill_;
};

// All rows of some runs, ascending, equal ones summed.
template <size_t W>
class Merge {
 public:
  using Row = CountedKey<W>;

  explicit Merge(std::vector<Run<W>> runs) : runs_(std::move(runs)) {
    for (Run<W>& run : runs_)
      if (run.peek()) heap_.push_back(&run);
    std::make_heap(heap_.begin(), heap_.end(), is_later);
  }

  // Up to `size` more rows; empty at the end.
  void next(std::vector<Row>& rows, size_t size) {
    rows.clear();
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), is_later);
      Run<W>& run = *heap_.back();
      const Row row = *run.peek();
      if (!rows.empty() && rows.back().key == row.key) {
        rows.back().count += row.count;
      } else if (rows.size() == size) {
        std::push_heap(heap_.begin(), heap_.end(), is_later);
        return;
      } else {
        rows.push_back(row);
      }
      run.take();
      if (run.peek())
        std::push_heap(heap_.begin(), heap_.end(), is_later);
      else
        heap_.pop_back();
    }
  }

 private:
  static bool is_later(Run<W>* a, Run<W>* b) { return b->peek()->key < a->peek()->key; }

  std::vector<Run<W>> runs_;
  std::vector<Run<W>*> heap_;  // those with rows left
};

template <size_t W>
class SortedRunCounter : public TransitionCounter {
 public:
  using Key = RowKey<W>;
  using Row = CountedKey<W>;

  // An eighth of the memory for keys as they come, of all threads, twice as much while they are
  // sorted and counted, half for the runs that they become.
  SortedRunCounter(int64_t context_size, RowPacking packing, int64_t memory, fs::path folder)
      : context_size_(context_size),
        packing_(packing),
        folder_(std::move(folder)),
        most_keys_(std::max<size_t>(
            1, static_cast<size_t>(memory / 8 / omp_get_max_threads()) / sizeof(Key))),
        most_rows_(static_cast<size_t>(memory) / 2 / sizeof(Row)) {}

  void add(const std::vector<int32_t>& context, const std::vector<int32_t>& label) override {
    std::vector<Key> keys;
    keys.reserve(label.size());
    for (size_t row = 0; row < label.size(); ++row)
      keys.push_back(
          packing_.pack<W>(context.data() + static_cast<int64_t>(row) * context_size_, label[row]));
    for (auto next = keys.cbegin(); next != keys.cend();)
      if (std::vector<Key> full = put(next, keys.cend()); !full.empty()) keep(full);
  }

  void add_sorted(TransitionSource rows) override {
    given_.emplace_back([this, rows = std::move(rows)](std::vector<Row>& block) {
      block.clear();
      TransitionSet set;
      if (!rows(set)) return;
      for (int64_t row = 0; row < set.size(); ++row)
        block.push_back({packing_.pack<W>(set.context_of(row), set.label[static_cast<size_t>(row)]),
                         set.count[static_cast<size_t>(row)]});
    });
  }

  bool next(TransitionSet& block) override {
    if (!result_) result_.emplace(all_runs());
    std::vector<Row> rows;
    result_->next(rows, kBlockRows);
    block = {};
    block.context_size = context_size_;
    for (const Row& row : rows) {
      for (int64_t field = 0; field < context_size_; ++field)
        block.context.push_back(packing_.unpack(row.key, field));
      block.label.push_back(packing_.unpack(row.key, context_size_));
      block.count.push_back(row.count);
    }
    return !rows.empty();
  }

 private:
  // Moves keys to those that wait until they are as many as one thread may sort; returns them then.
  std::vector<Key> put(typename std::vector<Key>::const_iterator& next,
                       typename std::vector<Key>::const_iterator end) {
    const std::lock_guard lock(mutex_);
    const auto room = static_cast<std::ptrdiff_t>(most_keys_ - keys_.size());
    const auto stop = next + std::min(room, end - next);
    keys_.insert(keys_.end(), next, stop);
    next = stop;
    return keys_.size() == most_keys_ ? std::exchange(keys_, {}) : std::vector<Key>();
  }

  // Turns keys into a run.
  void keep(std::vector<Key>& keys) {
    sort_keys(keys);
    size_t distinct = 0;
    for (size_t i = 0; i < keys.size(); ++i) distinct += i == 0 || !(keys[i] == keys[i - 1]);
    std::vector<Row> rows;
    rows.reserve(distinct);
    for (const Key& key : keys) {
      if (rows.empty() || !(rows.back().key == key)) rows.push_back({key, 0});
      ++rows.back().count;
    }
    keys.clear();
    if (rows.empty()) return;
    const std::lock_guard lock(mutex_);
    rows_held_ += rows.size();
    held_.emplace_back(std::move(rows));
    if (rows_held_ > most_rows_) spill();
  }

  // Writes the runs held as one.
  void spill() {
    if (!scratch_) scratch_ = std::make_unique<ScratchFile>(folder_);
    Merge<W> merge(std::exchange(held_, {}));
    rows_held_ = 0;
    std::vector<Row> rows;
    for (merge.next(rows, kBlockRows); !rows.empty(); merge.next(rows, kBlockRows)) {
      scratch_->write<Row>(rows, rows_spilled_);
      rows_spilled_ += static_cast<int64_t>(rows.size());
    }
    spill_ends_.push_back(rows_spilled_);
  }

  Run<W> spilled_run(int64_t begin, int64_t end) {
    return Run<W>([this, begin, end](std::vector<Row>& block) mutable {
      block.resize(std::min(kBlockRows, static_cast<size_t>(end - begin)));
      scratch_->read<Row>(block, begin);
      begin += static_cast<int64_t>(block.size());
    });
  }

  std::vector<Run<W>> all_runs() {
    keep(keys_);
    keys_ = {};
    std::vector<Run<W>> runs = std::move(held_);
    int64_t begin = 0;
    for (const int64_t end : spill_ends_)
      runs.push_back(spilled_run(std::exchange(begin, end), end));
    for (Run<W>& run : given_) runs.push_back(std::move(run));
    return runs;
  }

  int64_t context_size_;
  RowPacking packing_;
  fs::path folder_;
  size_t most_keys_, most_rows_;  // for each thread, for all
  std::mutex mutex_;              // of what follows
  std::vector<Key> keys_;         // not sorted yet
  std::vector<Run<W>> held_, given_;
  size_t rows_held_ = 0;
  std::unique_ptr<ScratchFile> scratch_;
  int64_t rows_spilled_ = 0;
  std::vector<int64_t> spill_ends_;  // of each run in the scratch file
  std::optional<Merge<W>> result_;
};

}  // namespace

std::unique_ptr<TransitionCounter> make_transition_counter(int64_t context_size, int64_t clusters,
                                                           int64_t memory, const fs::path& folder) {
  const RowPacking packing(context_size, clusters);
  const auto make = [&]<size_t W>() {
    return std::make_unique<SortedRunCounter<W>>(context_size, packing, memory, folder);
  };
  if (packing.words() == 1) return make.template operator()<1>();
  if (packing.words() == 2) return make.template operator()<2>();
  constexpr size_t kMostWords = 9;  // 17 clusters of 31 bits
  SERENDIP_CHECK(packing.words() <= static_cast<int64_t>(kMostWords),
                 "contexts of {} clusters, expected at most 16", context_size);
  return make.template operator()<kMostWords>();
}

}  // namespace serendip
