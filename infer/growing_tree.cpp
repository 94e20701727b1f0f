#include "infer/growing_tree.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "kernels/logits_row.h"

namespace serendip {
namespace {

constexpr int32_t kRowsPerPass = 1024;       // bounds a pass's activations
constexpr int64_t kRowsPerProjection = 256;  // bounds the [rows, vocabulary] buffer

}  // namespace

void GrowingTree::hold_prefix(const std::vector<int32_t>& prefix) {
  tree_.truncate(0);
  computed_ = 0;
  prefix_ = prefix;
  tree_.add_chain(TokenTree::kNoParent, prefix);
  compute({}, {});
}

std::vector<int32_t> GrowingTree::add_prompts(const std::vector<std::vector<int32_t>>& prompts) {
  const auto held = static_cast<int32_t>(prefix_.size());
  tree_.truncate(held);
  computed_ = std::min(computed_, held);
  std::unordered_map<uint64_t, int32_t> children;
  std::vector<int32_t> last;
  for (const std::vector<int32_t>& prompt : prompts) {
    SERENDIP_CHECK(prompt.size() > prefix_.size() &&
                       std::equal(prefix_.begin(), prefix_.end(), prompt.begin()),
                   "expected a prompt of more than the {} tokens held, got {} tokens", held,
                   prompt.size());
    int32_t at = held - 1;  // kNoParent without a prefix
    for (size_t i = prefix_.size(); i < prompt.size(); ++i) {
      const uint64_t key =
          static_cast<uint64_t>(static_cast<uint32_t>(at)) << 32 | static_cast<uint32_t>(prompt[i]);
      const auto [found, added] = children.try_emplace(key, tree_.size());
      at = added ? tree_.add(at, prompt[i]) : found->second;
    }
    last.push_back(at);
  }
  return last;
}

void GrowingTree::compute(const std::vector<int32_t>& wanted,
                          const std::function<void(int32_t, const NextToken&)>& visit) {
  torch::NoGradGuard no_grad;
  computed_tokens_ += tree_.size() - computed_;
  size_t next = 0;
  for (; computed_ < tree_.size(); computed_ = std::min(computed_ + kRowsPerPass, tree_.size())) {
    const int32_t end = std::min(computed_ + kRowsPerPass, tree_.size());
    const torch::Tensor hidden = decoder_.forward(tree_, computed_, end, &arena_);
    std::vector<int64_t> rows;
    const size_t first = next;
    for (; next < wanted.size() && wanted[next] < end; ++next)
      rows.push_back(wanted[next] - computed_);
    for (size_t begin = 0; begin < rows.size(); begin += kRowsPerProjection) {
      const auto count =
          static_cast<int64_t>(std::min<size_t>(kRowsPerProjection, rows.size() - begin));
      const torch::Tensor chosen = hidden.index_select(
          0, torch::tensor(at::ArrayRef<int64_t>(rows.data() + begin, static_cast<size_t>(count)),
                           torch::kInt64)
                 .to(hidden.device()));
      const torch::Tensor logits =
          decoder_.logits(chosen).to(torch::kCPU, torch::kFloat32).contiguous();
      const int64_t vocabulary = logits.size(1);
      const auto* values = logits.const_data_ptr<float>();
      std::vector<double> log_z(static_cast<size_t>(count));
      at::parallel_for(0, count, 1, [&](int64_t row, int64_t last) {
        for (; row < last; ++row)
          log_z[static_cast<size_t>(row)] = row_sum(values + row * vocabulary, vocabulary).log();
      });
      for (int64_t i = 0; i < count; ++i)
        visit(wanted[first + begin + static_cast<size_t>(i)],
              {values + i * vocabulary, log_z[static_cast<size_t>(i)]});
    }
  }
}

}  // namespace serendip
