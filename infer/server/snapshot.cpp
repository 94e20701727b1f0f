#include "infer/server/snapshot.h"

#include <chrono>
#include <future>
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

struct Snapshot::Parts {
  ClusterTree tree;
  Dataset data;
  Recommender recommender;
  std::string version;
};

// On two threads; all HDF5 on this one, for which it is made.
Snapshot::Parts Snapshot::load(const SnapshotFiles& files) {
  ClusterTree tree = load_tree(files.tree);
  std::future<Recommender> recommender =
      std::async(std::launch::async, [&] { return Recommender::load(files.recommender, tree); });
  std::future<std::string> version = std::async(std::launch::async, version_of, files);
  Dataset data = load_dataset(files.data, /*with_embedding=*/false, /*with_text=*/false);
  Recommender loaded = recommender.get();
  return {std::move(tree), std::move(data), std::move(loaded), version.get()};
}

Snapshot::Snapshot(const SnapshotFiles& files, const MiningRule& novelty_rule)
    : Snapshot(files, novelty_rule, load(files)) {}

Snapshot::Snapshot(const SnapshotFiles& files, const MiningRule& novelty_rule, Parts parts)
    : table(files.table),
      catalogue(std::move(parts.data), std::move(parts.tree)),
      recommender(std::move(parts.recommender)),
      rule(novelty_rule),
      version(std::move(parts.version)) {
  check_descriptions(table.cluster_count(), table.hashes(), catalogue.interests().description,
                     files.table);
  rule.context_size = table.context_size();
}

std::shared_ptr<const Snapshot> CurrentSnapshot::replace(std::shared_ptr<const Snapshot> next) {
  {
    const std::lock_guard lock(mutex_);
    current_.swap(next);
  }
  while (next.use_count() > 1) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return next;
}

}  // namespace serendip::server
