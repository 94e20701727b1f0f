#include "infer/growing_tree.h"

#include <ATen/Parallel.h>
#include <torch/utils.h>

#include <algorithm>
#include <unordered_map>

#include "base/check.h"
#include "kernels/logits_row.h"

namespace serendip {
namespace {

constexpr int32_t kRowsPerPass = 1024;  // bounds a pass's activations

// log Σ exp of each row of logits on the CPU, in float64.
std::vector<double> log_sums(const torch::Tensor& logits) {
  const auto* values = logits.const_data_ptr<float>();
  const int64_t vocabulary = logits.size(1);
  std::vector<double> log_z(static_cast<size_t>(logits.size(0)));
  at::parallel_for(0, logits.size(0), 1, [&](int64_t row, int64_t end) {
    for (; row < end; ++row)
      log_z[static_cast<size_t>(row)] = row_sum(values + row * vocabulary, vocabulary).log();
  });
  return log_z;
}

// The answers to questions of rows of logits, one after the other, on the logits' device.
torch::Tensor log_probs(const torch::Tensor& logits, std::span<const NextTokenQuestion> questions) {
  std::vector<int64_t> rows, tokens;
  for (size_t i = 0; i < questions.size(); ++i)
    for (const int32_t token : questions[i].tokens) {
      rows.push_back(static_cast<int64_t>(i));
      tokens.push_back(token);
    }
  const torch::Tensor row = torch::tensor(rows, torch::kInt64).to(logits.device());
  const torch::Tensor token = torch::tensor(tokens, torch::kInt64).to(logits.device());
  return logits.index({row, token}) - logits.logsumexp(1).index_select(0, row);
}

}  // namespace

std::vector<int32_t> ascending(std::vector<int32_t> nodes) {
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  return nodes;
}

void GrowingTree::hold_prefix(const std::vector<int32_t>& prefix) {
  tree_.truncate(0);
  computed_ = 0;
  prefix_ = prefix;
  tree_.add_chain(TokenTree::kNoParent, prefix);
  compute_logits({}, {});
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

void GrowingTree::compute_logits(const std::vector<int32_t>& nodes, const VisitLogits& visit) {
  torch::NoGradGuard no_grad;
  computed_tokens_ += tree_.size() - computed_;
  size_t next = 0;
  for (; computed_ < tree_.size(); computed_ = std::min(computed_ + kRowsPerPass, tree_.size())) {
    const int32_t end = std::min(computed_ + kRowsPerPass, tree_.size());
    const torch::Tensor hidden = decoder_.forward(tree_, computed_, end, &arena_);
    std::vector<int64_t> rows;
    const size_t first = next;
    for (; next < nodes.size() && nodes[next] < end; ++next)
      rows.push_back(nodes[next] - computed_);
    for (size_t begin = 0; begin < rows.size(); begin += kRowsPerProjection) {
      const size_t count = std::min<size_t>(kRowsPerProjection, rows.size() - begin);
      const torch::Tensor index =
          torch::tensor(at::ArrayRef<int64_t>(rows.data() + begin, count), torch::kInt64);
      visit(first + begin,
            decoder_.logits(hidden.index_select(0, index.to(hidden.device()))).to(torch::kFloat32));
    }
  }
}

void GrowingTree::compute(
    const std::vector<NextTokenQuestion>& questions,
    const std::function<void(size_t question, std::span<const double> log_prob)>& visit) {
  std::vector<int32_t> nodes;
  for (const NextTokenQuestion& question : questions) nodes.push_back(question.node);
  std::vector<torch::Tensor> on_device;
  std::vector<double> log_prob;
  compute_logits(nodes, [&](size_t first, const torch::Tensor& logits) {
    const auto asked = std::span(questions).subspan(first, static_cast<size_t>(logits.size(0)));
    if (!logits.is_cpu()) {
      on_device.push_back(log_probs(logits, asked));
      return;
    }
    const torch::Tensor rows = logits.contiguous();
    const std::vector<double> log_z = log_sums(rows);
    const auto* row = rows.const_data_ptr<float>();
    for (size_t i = 0; i < asked.size(); ++i, row += rows.size(1)) {
      log_prob.clear();
      for (const int32_t token : asked[i].tokens)
        log_prob.push_back(static_cast<double>(row[token]) - log_z[i]);
      visit(first + i, log_prob);
    }
  });
  if (on_device.empty()) return;
  const torch::Tensor read = torch::cat(on_device).to(torch::kCPU).to(torch::kFloat64);
  const double* next = read.const_data_ptr<double>();
  for (size_t i = 0; i < questions.size(); ++i) {
    const size_t count = questions[i].tokens.size();
    visit(i, {next, count});
    next += count;
  }
}

std::vector<NextToken> GrowingTree::most_likely(const std::vector<int32_t>& nodes) {
  std::vector<torch::Tensor> tokens, values;
  compute_logits(nodes, [&](size_t, const torch::Tensor& logits) {
    const auto [value, token] = logits.max(1);
    tokens.push_back(token);
    values.push_back(value - logits.logsumexp(1));
  });
  std::vector<NextToken> answers;
  if (nodes.empty()) return answers;
  // Together, to be read at once; a float64 holds any token.
  const torch::Tensor read =
      torch::stack({torch::cat(tokens).to(torch::kFloat64), torch::cat(values).to(torch::kFloat64)})
          .to(torch::kCPU);
  const auto row = read.accessor<double, 2>();
  for (int64_t i = 0; i < read.size(1); ++i)
    answers.push_back({static_cast<int32_t>(row[0][i]), row[1][i]});
  return answers;
}

}  // namespace serendip
