#include "lm/token_tree.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"

namespace serendip {

int32_t TokenTree::add(int32_t parent, int32_t token) {
  token_.push_back(token);
  parent_.push_back(parent);
  depth_.push_back(parent == kNoParent ? 0 : depth_[static_cast<size_t>(parent)] + 1);
  return size() - 1;
}

int32_t TokenTree::add_chain(int32_t parent, std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) parent = add(parent, token);
  return parent;
}

void TokenTree::truncate(int32_t size) {
  const auto count = static_cast<size_t>(size);
  token_.resize(count);
  parent_.resize(count);
  depth_.resize(count);
}

uint64_t TokenTree::path_key(int32_t node) const {
  uint64_t key = 0;
  for (; node != kNoParent; node = parent(node))
    key += mix_bits(static_cast<uint64_t>(depth_[static_cast<size_t>(node)]) << 32 |
                    static_cast<uint32_t>(token(node)));
  return mix_bits(key);
}

std::vector<int32_t> TokenTree::path(int32_t node) const {
  std::vector<int32_t> nodes(static_cast<size_t>(depth_[static_cast<size_t>(node)]) + 1);
  for (auto at = nodes.rbegin(); node != kNoParent; node = parent(node)) *at++ = node;
  return nodes;
}

TokenTreeBatch TokenTree::batch(int32_t begin, int32_t end) const {
  SERENDIP_CHECK(0 <= begin && begin < end && end <= size(),
                 "token tree: expected nodes within [0, {}), got [{}, {})", size(), begin, end);
  const int64_t rows = end - begin;
  TokenTreeBatch batch{torch::empty({rows}, torch::kInt64),
                       torch::empty({rows}, torch::kInt64),
                       torch::empty({rows + 1}, torch::kInt64),
                       {},
                       *std::max_element(depth_.begin() + begin, depth_.begin() + end) + 1};
  auto* tokens = batch.tokens.data_ptr<int64_t>();
  auto* positions = batch.positions.data_ptr<int64_t>();
  auto* offset = batch.path_offset.data_ptr<int64_t>();
  offset[0] = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const auto node = static_cast<size_t>(begin + row);
    tokens[row] = token_[node];
    positions[row] = depth_[node];
    offset[row + 1] = offset[row] + depth_[node] + 1;
  }
  batch.path = torch::empty({offset[rows]}, torch::kInt32);
  auto* path = batch.path.data_ptr<int32_t>();
  for (int64_t row = 0; row < rows; ++row) {
    int64_t at = offset[row + 1];
    for (auto node = static_cast<int32_t>(begin + row); node != kNoParent; node = parent(node))
      path[--at] = node;
  }
  return batch;
}

}  // namespace serendip
