// Items, users and interests as the server looks them up.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clusters/tree.h"
#include "data/dataset.h"
#include "recsys/user_history.h"

namespace serendip::server {

class Catalogue {
 public:
  // Throws Error where the two differ in items.
  Catalogue(Dataset data, ClusterTree tree);
  Catalogue(const Catalogue&) = delete;  // the indices hold views of the names
  Catalogue& operator=(const Catalogue&) = delete;

  std::optional<int32_t> find_item(std::string_view id) const;
  std::optional<int32_t> find_user(std::string_view id) const;
  const std::string& item_id(int32_t item) const { return data_.item_id[index(item)]; }
  const std::string& item_title(int32_t item) const { return data_.item_title[index(item)]; }
  int64_t item_count() const { return data_.item_count(); }
  int64_t user_count() const { return data_.user_count(); }
  History history(int32_t user) const { return history_of(data_, user); }

  const ClusterTree& tree() const { return tree_; }
  const TreeLevel& interests() const { return tree_.planning(); }
  int32_t cluster_of(int32_t item) const { return interests().assignment[index(item)]; }
  // A planning cluster's items, those with the most traffic first.
  std::span<const int32_t> popular_items(int32_t cluster) const;
  // All planning clusters, those with the most traffic first.
  const std::vector<int32_t>& popular_clusters() const { return popular_clusters_; }

 private:
  static size_t index(int32_t number) { return static_cast<size_t>(number); }

  Dataset data_;
  ClusterTree tree_;
  std::unordered_map<std::string_view, int32_t> item_of_, user_of_;
  std::vector<int32_t> popular_items_, popular_clusters_;
  std::vector<int64_t> popular_offset_;  // [M + 1], into popular_items_
};

}  // namespace serendip::server
