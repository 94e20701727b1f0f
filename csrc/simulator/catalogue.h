// The items of a world: each one's topic and quality, and how popular it is within its topic.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"

namespace serendip {

// N items of T topics; 12 bytes an item.
class Catalogue {
 public:
  Catalogue() = default;
  // A topic has items in proportion to √popularity [T], at least one; quality ~ normal(0, 0.5).
  // Needs N ≥ T.
  Catalogue(const std::vector<double>& popularity, int64_t items, int64_t seed);

  int64_t size() const { return static_cast<int64_t>(topic_.size()); }
  const std::vector<int32_t>& topics() const { return topic_; }     // [N]
  const std::vector<float>& qualities() const { return quality_; }  // [N]
  int32_t topic(int32_t item) const { return topic_[static_cast<size_t>(item)]; }
  float quality(int32_t item) const { return quality_[static_cast<size_t>(item)]; }
  // The most popular first: by quality + normal(0, 0.5).
  std::span<const int32_t> items_of(int32_t topic) const;
  // An item of the topic, by popularity: the chance of rank r is log((r+1)/r) / log(n+1), close to
  // Zipf's law.
  int32_t draw_item(int32_t topic, Random& random) const;

 private:
  std::vector<int32_t> topic_;
  std::vector<float> quality_;
  std::vector<int64_t> offset_;  // [T + 1] into by_popularity_
  std::vector<int32_t> by_popularity_;
};

}  // namespace serendip
