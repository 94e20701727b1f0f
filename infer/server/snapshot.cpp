#include "infer/server/snapshot.h"

#include <chrono>
#include <thread>

#include "base/hash.h"
#include "infer/pair_table.h"

namespace serendip::server {
namespace {

constexpr size_t kVersionDigits = 16;

std::string version_of(const SnapshotFiles& files) {
  std::string hashes;
  for (const std::filesystem::path& path :
       {files.data, files.tree, files.table, files.recommender / "model.safetensors"})
    hashes += hash_path(path);
  return hash_hex(hashes).substr(0, kVersionDigits);
}

}  // namespace

Snapshot::Snapshot(const SnapshotFiles& files, const MiningRule& novelty_rule)
    : table(files.table),
      catalogue(files.data, files.tree),
      recommender(Recommender::load(files.recommender, catalogue.tree())),
      rule(novelty_rule),
      version(version_of(files)) {
  check_descriptions(table.cluster_count(), table.hashes(), catalogue.interests().description,
                     files.table);
  rule.context_size = table.context_size();
}

std::shared_ptr<const Snapshot> CurrentSnapshot::replace(std::shared_ptr<const Snapshot> next) {
  std::shared_ptr<const Snapshot> before = current_.exchange(std::move(next));
  while (before.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return before;
}

}  // namespace serendip::server
