// A tree and a dataset small enough to reason about.
#pragma once

#include <string>

#include "base/random.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "recsys/train.h"

namespace serendip {

// Nested clusters by a fixed shuffle: item i lies in cluster (7 i) mod M4 of level 4, whose parents
// halve. Level sizes M4 / 8, M4 / 4, M4 / 2, M4; M4 a multiple of 8, 7 and M4 coprime.
inline ClusterTree small_tree(int64_t items, int64_t finest) {
  ClusterTree tree;
  tree.item_traffic.assign(static_cast<size_t>(items), 1.0);
  for (int number = kTreeLevels; number >= 1; --number) {
    TreeLevel& level = tree.levels[static_cast<size_t>(number - 1)];
    const int64_t divisor = int64_t{1} << (kTreeLevels - number);
    for (int64_t item = 0; item < items; ++item)
      level.assignment.push_back(static_cast<int32_t>(7 * item % finest / divisor));
    const auto clusters = static_cast<size_t>(finest / divisor);
    level.traffic.assign(clusters, 0.0);
    for (const int32_t cluster : level.assignment) ++level.traffic[static_cast<size_t>(cluster)];
    for (size_t cluster = 0; cluster < clusters; ++cluster) {
      level.parent.push_back(number == 1 ? -1 : static_cast<int32_t>(cluster / 2));
      level.description.push_back("level " + std::to_string(number) + " cluster " +
                                  std::to_string(cluster));
    }
  }
  return tree;
}

// Users walk: from item i to (5 i + 3) mod N or (5 i + 4) mod N, seldom anywhere; popularity says
// nothing about the next item.
inline Dataset markov_dataset(int64_t users, int64_t items, int64_t length) {
  Dataset data;
  for (int64_t item = 0; item < items; ++item) {
    data.item_id.push_back("item" + std::to_string(item));
    data.item_title.push_back("title " + std::to_string(item));
    data.item_text.push_back("");
  }
  data.user_offset.push_back(0);
  for (int64_t user = 0; user < users; ++user) {
    Random random(3, static_cast<uint64_t>(user));
    auto item = static_cast<int64_t>(random.below(static_cast<uint64_t>(items)));
    for (int64_t event = 0; event < length; ++event) {
      data.event_item.push_back(static_cast<int32_t>(item));
      data.event_time.push_back(event);
      data.event_reward.push_back(1.0f);
      const bool strays = random.uniform() < 0.05;
      item = strays ? static_cast<int64_t>(random.below(static_cast<uint64_t>(items)))
                    : (5 * item + 3 + static_cast<int64_t>(random.below(2))) % items;
    }
    data.user_id.push_back("user" + std::to_string(user));
    data.user_offset.push_back(data.event_count());
  }
  return data;
}

// For a model that learns such walks in seconds.
inline RecommendOptions quick_options() {
  RecommendOptions options;
  options.dimensions = 32;
  options.layers = 1;
  options.max_length = 10;
  options.epochs = 30;
  options.batch_size = 16;
  options.learning_rate = 5e-3;
  return options;
}

}  // namespace serendip
