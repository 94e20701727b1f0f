#include "kernels/trie_mask_topk.h"

#include "kernels/logits_row.h"

namespace serendip {
namespace {

struct Child {
  float logit;
  int64_t place;
};

bool better(const Child& left, const Child& right) {
  return left.logit > right.logit || (left.logit == right.logit && left.place < right.place);
}

void run_row(const TrieMaskTopkInput& input, int64_t row, std::vector<float>& wide,
             std::vector<Child>& children, const TrieMaskTopkOutput& output) {
  const float* logits = widened(row_of(input.logits, input.type, row, input.vocabulary), input.type,
                                input.vocabulary, wide);
  const float log_z = row_sum(logits, input.vocabulary).log();
  children.clear();
  for (int64_t at = input.child_offset[row]; at < input.child_offset[row + 1]; ++at)
    children.push_back({logits[input.child_token[at]], at - input.child_offset[row]});
  const int64_t held = std::min<int64_t>(input.k, static_cast<int64_t>(children.size()));
  std::partial_sort(children.begin(), children.begin() + held, children.end(), better);
  int64_t* child = output.child + row * input.k;
  float* log_prob = output.log_prob + row * input.k;
  for (int64_t rank = 0; rank < held; ++rank) {
    child[rank] = children[static_cast<size_t>(rank)].place;
    log_prob[rank] = children[static_cast<size_t>(rank)].logit - log_z;
  }
  std::fill(child + held, child + input.k, int64_t{-1});
  std::fill(log_prob + held, log_prob + input.k, -INFINITY);
  output.log_z[row] = log_z;
}

}  // namespace

void trie_mask_topk_cpu(const TrieMaskTopkInput& input, const TrieMaskTopkOutput& output) {
#pragma omp parallel
  {
    std::vector<float> wide;
    std::vector<Child> children;
#pragma omp for schedule(static)
    for (int64_t row = 0; row < input.rows; ++row) run_row(input, row, wide, children, output);
  }
}

}  // namespace serendip
