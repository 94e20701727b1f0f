// Which topics are related, and how much: taxonomy and definitions say most of it, hidden links
// drawn by the seed the rest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "simulator/topics.h"

namespace serendip {

struct RelatedTopic {
  int32_t topic;
  float weight;  // in (0, 1]
  bool hidden;   // a cross-link, which neither taxonomy nor definitions tell
  bool walked;   // the incumbent and the users' first interests know of it
};

// Undirected; T topics.
class RelatednessGraph {
 public:
  RelatednessGraph() = default;
  // [T] neighbours of each topic.
  explicit RelatednessGraph(const std::vector<std::vector<RelatedTopic>>& neighbors);

  // Ascending by topic.
  std::span<const RelatedTopic> of(int32_t topic) const;
  // 0 where the topics are not related.
  float weight(int32_t a, int32_t b) const;
  const std::vector<int64_t>& offsets() const { return offset_; }  // [T + 1]
  const std::vector<RelatedTopic>& links() const { return links_; }

 private:
  std::vector<int64_t> offset_;
  std::vector<RelatedTopic> links_;
};

// 2·depth(c) / (depth(a) + depth(b)), c the most specific concept above both and depth 1 at the
// most general one; 0 without such a c (Wu and Palmer 1994).
double wu_palmer(const Topic& a, const Topic& b);

// [T, T] by rows: (wu_palmer + cosine of the definitions' words under TF-IDF) / 2, symmetric.
std::vector<float> open_similarity(const std::vector<Topic>& topics);

// Each topic with its 8 most similar ones, and `cross_links` drawn at random with a weight uniform
// in [0.5, 1). Half of all links, drawn at random, are walked.
RelatednessGraph relate_topics(const std::vector<Topic>& topics, int64_t cross_links, int64_t seed);

}  // namespace serendip
