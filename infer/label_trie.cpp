#include "infer/label_trie.h"

#include <algorithm>

#include "base/check.h"

namespace serendip {

LabelTrie::LabelTrie(const std::vector<std::vector<int32_t>>& labels, int32_t terminator)
    : nodes_(1), parent_{-1}, terminator_(terminator) {
  SERENDIP_CHECK(!labels.empty(), "label trie: expected at least one label");
  for (size_t label = 0; label < labels.size(); ++label) {
    int32_t at = kRoot;
    for (const int32_t token : labels[label]) {
      std::vector<int32_t>& children = nodes_[static_cast<size_t>(at)].children;
      const auto place = std::lower_bound(
          children.begin(), children.end(), token,
          [&](int32_t child, int32_t wanted) { return node(child).token < wanted; });
      if (place != children.end() && node(*place).token == token) {
        at = *place;
        continue;
      }
      const auto added = static_cast<int32_t>(nodes_.size());
      children.insert(place, added);
      nodes_.emplace_back().token = token;
      parent_.push_back(at);
      at = added;
    }
    depth_ = std::max(depth_, static_cast<int64_t>(labels[label].size()));
    nodes_[static_cast<size_t>(at)].labels.push_back(static_cast<int32_t>(label));
    label_node_.push_back(at);
    for (; at >= 0; at = parent_[static_cast<size_t>(at)])
      ++nodes_[static_cast<size_t>(at)].label_count;
  }
  for (Node& node : nodes_) {
    for (const int32_t child : node.children) node.next_tokens.push_back(this->node(child).token);
    if (!node.labels.empty()) node.next_tokens.push_back(terminator);
  }
}

std::vector<int32_t> LabelTrie::path(int32_t label) const {
  std::vector<int32_t> nodes;
  for (int32_t at = label_node_[static_cast<size_t>(label)]; at >= 0;
       at = parent_[static_cast<size_t>(at)])
    nodes.push_back(at);
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

bool LabelTrie::allows(int32_t index, std::span<const int32_t> excluded) const {
  int32_t left = node(index).label_count;
  for (size_t i = 0; i < excluded.size(); ++i) {
    if (std::find(excluded.begin(), excluded.begin() + static_cast<int64_t>(i), excluded[i]) !=
        excluded.begin() + static_cast<int64_t>(i))
      continue;  // named twice
    for (int32_t at = label_node_[static_cast<size_t>(excluded[i])]; at >= 0;
         at = parent_[static_cast<size_t>(at)]) {
      if (at != index) continue;
      --left;
      break;
    }
  }
  return left > 0;
}

}  // namespace serendip
