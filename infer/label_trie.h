// All labels' token sequences as one trie. A label ends with the terminator below its last token.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace serendip {

class LabelTrie {
 public:
  static constexpr int32_t kRoot = 0;

  struct Node {
    int32_t token = -1;             // of the edge that leads here; -1 at the root
    std::vector<int32_t> children;  // by ascending token
    std::vector<int32_t> labels;    // that end here, ascending; several when their ids are equal
    int32_t label_count = 0;        // in the subtree, labels of the node included
    // What may come next: the children's tokens, then, where labels end here, the terminator.
    std::vector<int32_t> next_tokens;
  };

  LabelTrie(const std::vector<std::vector<int32_t>>& labels, int32_t terminator);

  const Node& node(int32_t index) const { return nodes_[static_cast<size_t>(index)]; }
  int32_t terminator() const { return terminator_; }
  int64_t label_count() const { return static_cast<int64_t>(label_node_.size()); }
  int64_t node_count() const { return static_cast<int64_t>(nodes_.size()); }
  // Tokens of the longest label, terminator left out.
  int64_t depth() const { return depth_; }
  // Nodes from the root to where the label ends.
  std::vector<int32_t> path(int32_t label) const;
  // Whether any label of the subtree is not among `excluded` (distinct labels).
  bool allows(int32_t index, std::span<const int32_t> excluded) const;

 private:
  std::vector<Node> nodes_;
  std::vector<int32_t> label_node_, parent_;
  int32_t terminator_;
  int64_t depth_ = 0;
};

}  // namespace serendip
