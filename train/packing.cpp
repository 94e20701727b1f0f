#include "train/packing.h"

#include <map>
#include <unordered_map>

#include "base/check.h"

namespace serendip {

int64_t label_tokens(const std::vector<Sample>& samples) {
  size_t tokens = 0;
  for (const Sample& sample : samples) tokens += sample.labels.size();
  return static_cast<int64_t>(tokens);
}

PackedSamples pack(const std::vector<Sample>& samples) {
  PackedSamples packed;
  std::unordered_map<uint64_t, int32_t> children;
  std::map<int32_t, std::vector<int64_t>> targets;
  for (const Sample& sample : samples) {
    SERENDIP_CHECK(!sample.prompt.empty() && !sample.labels.empty(),
                   "pack: expected a prompt and labels, got {} and {} tokens", sample.prompt.size(),
                   sample.labels.size());
    int32_t at = TokenTree::kNoParent;
    const auto step = [&](int32_t token) {
      const uint64_t key =
          static_cast<uint64_t>(static_cast<uint32_t>(at)) << 32 | static_cast<uint32_t>(token);
      const auto [found, added] = children.try_emplace(key, packed.tree.size());
      at = added ? packed.tree.add(at, token) : found->second;
    };
    for (const int32_t token : sample.prompt) step(token);
    for (size_t i = 0; i < sample.labels.size(); ++i) {
      targets[at].push_back(sample.labels[i]);
      if (i + 1 < sample.labels.size()) step(sample.labels[i]);
    }
  }
  for (const auto& [node, tokens] : targets) {
    packed.predicting_nodes.push_back(node);
    packed.target_offset.push_back(static_cast<int64_t>(packed.target_token.size()));
    packed.target_token.insert(packed.target_token.end(), tokens.begin(), tokens.end());
  }
  packed.target_offset.push_back(static_cast<int64_t>(packed.target_token.size()));
  return packed;
}

}  // namespace serendip
