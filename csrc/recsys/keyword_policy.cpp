#include "recsys/keyword_policy.h"

#include "base/check.h"
#include "clusters/words.h"

namespace serendip {
namespace {

std::vector<std::vector<std::string>> documents_of(const std::vector<std::string>& title,
                                                   const std::vector<std::string>& text) {
  std::vector<std::vector<std::string>> documents;
  for (size_t item = 0; item < title.size(); ++item)
    documents.push_back(words_of(title[item] + "\n" + text[item]));
  return documents;
}

}  // namespace

KeywordPolicy::KeywordPolicy(const ClusterTree& tree, const std::vector<std::string>& title,
                             const std::vector<std::string>& text)
    : tree_(tree), index_(documents_of(title, text)) {
  const size_t items = tree.planning().assignment.size();
  SERENDIP_CHECK(title.size() == items, "keyword search: expected the tree's {} items, got {}",
                 items, title.size());
}

std::vector<float> KeywordPolicy::scores(const PolicyRequest& request) const {
  allowed_items(request, tree_);
  SERENDIP_CHECK(!request.clusters.empty(),
                 "keyword search: expected clusters whose descriptions are the query, got none");
  std::vector<std::string> query;
  for (const int32_t cluster : request.clusters)
    for (std::string& word :
         words_of(tree_.level(request.level).description[static_cast<size_t>(cluster)]))
      query.push_back(std::move(word));
  return index_.scores(query);
}

std::vector<Recommendation> KeywordPolicy::recommend(const PolicyRequest& request) const {
  PolicyRequest everywhere = request;
  everywhere.clusters.clear();
  return best_items(scores(request), everywhere, tree_);
}

}  // namespace serendip
