#include "infer/server/catalogue.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace serendip::server {
namespace {

std::unordered_map<std::string_view, int32_t> index_of(const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, int32_t> result;
  result.reserve(names.size());
  for (size_t at = 0; at < names.size(); ++at) result.emplace(names[at], static_cast<int32_t>(at));
  return result;
}

std::optional<int32_t> find(const std::unordered_map<std::string_view, int32_t>& index,
                            std::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? std::nullopt : std::optional(found->second);
}

// Heaviest first, equal ones by number.
template <typename Range>
void sort_by_weight(Range&& numbers, const std::vector<double>& weight) {
  std::sort(numbers.begin(), numbers.end(), [&](int32_t left, int32_t right) {
    const double left_weight = weight[static_cast<size_t>(left)];
    const double right_weight = weight[static_cast<size_t>(right)];
    return left_weight > right_weight || (left_weight == right_weight && left < right);
  });
}

}  // namespace

Catalogue::Catalogue(Dataset data, ClusterTree tree)
    : data_(std::move(data)),
      tree_(std::move(tree)),
      item_of_(index_of(data_.item_id)),
      user_of_(index_of(data_.user_id)) {
  SERENDIP_CHECK(tree_.item_traffic.size() == data_.item_id.size(),
                 "expected a tree of the dataset's {} items, got one of {}; run `serendip cluster` "
                 "again",
                 data_.item_count(), tree_.item_traffic.size());
  popular_clusters_.resize(static_cast<size_t>(interests().cluster_count()));
  std::iota(popular_clusters_.begin(), popular_clusters_.end(), 0);
  sort_by_weight(popular_clusters_, interests().traffic);

  popular_offset_.assign(popular_clusters_.size() + 1, 0);
  for (const int32_t cluster : interests().assignment) ++popular_offset_[index(cluster) + 1];
  std::partial_sum(popular_offset_.begin(), popular_offset_.end(), popular_offset_.begin());
  popular_items_.resize(data_.item_id.size());
  std::vector<int64_t> next = popular_offset_;
  for (int32_t item = 0; item < item_count(); ++item)
    popular_items_[static_cast<size_t>(next[index(cluster_of(item))]++)] = item;
  for (size_t cluster = 0; cluster < popular_clusters_.size(); ++cluster)
    sort_by_weight(
        std::span(popular_items_)
            .subspan(static_cast<size_t>(popular_offset_[cluster]),
                     static_cast<size_t>(popular_offset_[cluster + 1] - popular_offset_[cluster])),
        tree_.item_traffic);
}

std::optional<int32_t> Catalogue::find_item(std::string_view id) const {
  return find(item_of_, id);
}

std::optional<int32_t> Catalogue::find_user(std::string_view id) const {
  return find(user_of_, id);
}

std::span<const int32_t> Catalogue::popular_items(int32_t cluster) const {
  const int64_t begin = popular_offset_[index(cluster)], end = popular_offset_[index(cluster) + 1];
  return std::span(popular_items_)
      .subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

}  // namespace serendip::server
