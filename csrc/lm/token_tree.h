// Tokens of many sequences as one forest, so that what sequences share is computed once.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

namespace serendip {

// What a pass over nodes needs, T nodes: tokens and positions i64 [T], path_offset i64 [T + 1],
// path i32, which may be longer than the paths. A position is the node's depth; a path holds the
// node's ancestors and itself, root first.
struct TokenTreeBatch {
  torch::Tensor tokens, positions, path_offset, path;
  int64_t length = 0;  // no path is longer
};

// A node's ancestors have smaller numbers than the node.
class TokenTree {
 public:
  static constexpr int32_t kNoParent = -1;

  // Returns the new node.
  int32_t add(int32_t parent, int32_t token);
  // Adds a chain below `parent`; returns its last node (`parent` when there are no tokens).
  int32_t add_chain(int32_t parent, std::span<const int32_t> tokens);
  // Forgets the nodes from `size` on.
  void truncate(int32_t size);

  int32_t size() const { return static_cast<int32_t>(token_.size()); }
  int32_t token(int32_t node) const { return token_[static_cast<size_t>(node)]; }
  int32_t parent(int32_t node) const { return parent_[static_cast<size_t>(node)]; }
  // A hash of the tokens from the root to the node: the same in every tree.
  uint64_t path_key(int32_t node) const;
  // The node's ancestors and itself, root first.
  std::vector<int32_t> path(int32_t node) const;
  // Nodes [begin, end).
  TokenTreeBatch batch(int32_t begin, int32_t end) const;

 private:
  std::vector<int32_t> token_, parent_, depth_;
};

}  // namespace serendip
