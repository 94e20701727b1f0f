// Everything that an answer is made of: loaded together, replaced together.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "infer/server/catalogue.h"
#include "infer/server/mapped_table.h"
#include "recsys/recommender.h"
#include "transitions/mine.h"

namespace serendip::server {

// The files of a run folder that are served.
struct SnapshotFiles {
  std::filesystem::path data, tree, table, recommender;
};

// Never changes. A request holds the one that it began with to its end.
struct Snapshot {
  // Throws Error naming the file where one is missing, damaged or made for another.
  Snapshot(const SnapshotFiles& files, const MiningRule& novelty_rule);

  MappedTable table;
  Catalogue catalogue;
  Recommender recommender;
  MiningRule rule;      // what counts as positive and as novel; K as the table has it
  std::string version;  // 16 hexadecimal digits of the served files' hash

 private:
  struct Parts;
  static Parts load(const SnapshotFiles& files);
  Snapshot(const SnapshotFiles& files, const MiningRule& novelty_rule, Parts parts);
};

// The snapshot that requests begin with from now on.
class CurrentSnapshot {
 public:
  explicit CurrentSnapshot(std::shared_ptr<const Snapshot> first) : current_(std::move(first)) {}
  std::shared_ptr<const Snapshot> get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // Returns the one before once no request holds it, so that freeing it is the caller's work.
  std::shared_ptr<const Snapshot> replace(std::shared_ptr<const Snapshot> next);

 private:
  mutable std::mutex mutex_;  // libstdc++ 12's std::atomic<std::shared_ptr> has a data race
  std::shared_ptr<const Snapshot> current_;
};

}  // namespace serendip::server
