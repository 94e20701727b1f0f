// Keyword search for an interest: what one would do with a description without a tree.
#pragma once

#include <string>
#include <vector>

#include "recsys/bm25.h"
#include "recsys/policy.h"

namespace serendip {

// Items of the whole catalogue by BM25 of their title and text for the descriptions of the
// request's clusters. Scores are taken as log-probabilities up to a constant. Throws Error for a
// request without clusters: they are the query.
class KeywordPolicy final : public Policy {
 public:
  // title, text [N]. The tree must outlive the policy.
  KeywordPolicy(const ClusterTree& tree, const std::vector<std::string>& title,
                const std::vector<std::string>& text);
  std::vector<Recommendation> recommend(const PolicyRequest& request) const override;
  std::vector<float> scores(const PolicyRequest& request) const override;
  bool ranks_catalogue() const override { return false; }

 private:
  const ClusterTree& tree_;
  Bm25Index index_;
};

}  // namespace serendip
