#include "infer/growing_tree.h"

#include <algorithm>
#include <unordered_map>

#include "base/check.h"

namespace serendip {
namespace {

constexpr int32_t kRowsPerPass = 1024;       // bounds a pass's activations
constexpr int64_t kRowsPerProjection = 256;  // bounds the [rows, vocabulary] buffer

}  // namespace

std::vector<int32_t> GrowingTree::add_prompts(const std::vector<std::vector<int32_t>>& prompts) {
  std::unordered_map<uint64_t, int32_t> children;
  std::vector<int32_t> last;
  for (const std::vector<int32_t>& prompt : prompts) {
    SERENDIP_CHECK(!prompt.empty(), "expected a prompt of at least one token");
    int32_t at = TokenTree::kNoParent;
    for (const int32_t token : prompt) {
      const uint64_t key =
          static_cast<uint64_t>(static_cast<uint32_t>(at)) << 32 | static_cast<uint32_t>(token);
      const auto [found, added] = children.try_emplace(key, tree_.size());
      at = added ? tree_.add(at, token) : found->second;
    }
    last.push_back(at);
  }
  return last;
}

void GrowingTree::compute(const std::vector<int32_t>& wanted,
                          const std::function<void(int32_t, const float*)>& visit) {
  torch::NoGradGuard no_grad;
  size_t next = 0;
  for (; computed_ < tree_.size(); computed_ = std::min(computed_ + kRowsPerPass, tree_.size())) {
    const int32_t end = std::min(computed_ + kRowsPerPass, tree_.size());
    const torch::Tensor hidden = decoder_.forward(tree_, computed_, end, &arena_);
    std::vector<int64_t> rows;
    const size_t first = next;
    for (; next < wanted.size() && wanted[next] < end; ++next)
      rows.push_back(wanted[next] - computed_);
    for (size_t begin = 0; begin < rows.size(); begin += kRowsPerProjection) {
      const size_t count = std::min<size_t>(kRowsPerProjection, rows.size() - begin);
      const torch::Tensor chosen = hidden.index_select(
          0, torch::tensor(at::ArrayRef<int64_t>(rows.data() + begin, count), torch::kInt64)
                 .to(hidden.device()));
      const torch::Tensor log_prob =
          torch::log_softmax(decoder_.logits(chosen).to(torch::kFloat32), -1).cpu();
      for (size_t i = 0; i < count; ++i)
        visit(wanted[first + begin + i],
              log_prob.const_data_ptr<float>() + static_cast<int64_t>(i) * log_prob.size(1));
    }
  }
}

}  // namespace serendip
