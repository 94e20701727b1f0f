// A run folder small enough to reason about, whose answers tell which of its editions made them.
#pragma once

#include "infer/pair_table.h"
#include "infer/server/snapshot.h"
#include "recsys/train.h"
#include "tests/base/temporary_folder.h"
#include "tests/recsys/small_world.h"

namespace serendip::server {

constexpr int64_t kWorldItems = 96, kWorldInterests = 8, kWorldLabels = 3, kWorldUsers = 60;

inline SnapshotFiles world_files(const std::filesystem::path& folder) {
  return {folder / "data.h5", folder / "tree.h5", folder / "table.h5", folder / "recommender"};
}

inline int32_t world_label(int32_t first, int32_t second, int64_t rank, int32_t edition) {
  return static_cast<int32_t>((3 * first + second + rank + edition) % kWorldInterests);
}

// All pairs, k = 3: labels in a row, from world_label.
inline void write_world_table(const std::filesystem::path& path, int32_t edition) {
  PairTable table;
  table.contexts = ContextList::all(kWorldInterests, 2);
  table.k = kWorldLabels;
  for (int32_t first = 0; first < kWorldInterests; ++first)
    for (int32_t second = 0; second < kWorldInterests; ++second)
      for (int64_t rank = 0; rank < kWorldLabels; ++rank) {
        table.label.push_back(world_label(first, second, rank, edition));
        table.log_prob.push_back(-1.0f - static_cast<float>(rank) / 4);
        table.probability_low.push_back(0.1f);
        table.probability_high.push_back(0.2f);
      }
  save_pair_table(table, path);
}

// Short histories, so that interests are left that are new to a user.
inline void write_world(const std::filesystem::path& folder) {
  save_tree(small_tree(kWorldItems, 4 * kWorldInterests), folder / "tree.h5");
  save_dataset(markov_dataset(kWorldUsers, kWorldItems, 4), folder / "data.h5");
  RecommendOptions options;
  options.dimensions = 16;
  options.layers = 1;
  options.max_length = 10;
  options.epochs = 1;
  train_recommender(options, folder / "data.h5", folder / "tree.h5", folder / "recommender");
  write_world_table(folder / "table.h5", 0);
}

}  // namespace serendip::server
