// A trained recommender: the next items of a user, out of chosen interest clusters only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "clusters/tree.h"

namespace serendip {

class Recommender {
 public:
  struct Recommendation {
    int32_t item;
    double log_prob;  // under the softmax over all items of the clusters, seen ones included
  };

  // Throws Error naming the file when the folder is damaged or was trained with another tree.
  static Recommender load(const std::filesystem::path& folder, const ClusterTree& tree);
  ~Recommender();
  Recommender(Recommender&& other) noexcept;
  Recommender& operator=(Recommender&& other) noexcept;

  // The k best items, fewer where the clusters hold fewer, by falling probability.
  //   history   item indices, oldest first, at least one
  //   clusters  of tree level `level`; empty means the whole catalogue
  // With `exclude_seen` the items of the history are left out. Safe to call from several threads.
  // Throws Error for an item or a cluster out of range, an empty history, k below 1.
  std::vector<Recommendation> recommend(const std::vector<int32_t>& history,
                                        const std::vector<int32_t>& clusters, int64_t k,
                                        bool exclude_seen = true, int level = kPlanningLevel) const;

 private:
  struct State;
  explicit Recommender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace serendip
