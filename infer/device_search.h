// The label search with its frontier on the device, beside the model: LabelSearch's answers in the
// modes exact, greedy and full.
//
// Every query has a place for every node of the trie, Q·N places: which are on its frontier is a
// mask. A level of the search is
//   1. choose what to expand, and compact it into a list of places (fixed shapes);
//   2. the host reads how many they are: the level's one read;
//   3. passes of the model over the list, a few fixed numbers of rows at a time;
//   4. what they say, into the places (the same work as 1).
// The shapes of 1, 3 and 4 do not depend on what is found, so that each is recorded once as a
// WorkGraph and replayed. Keys and values go to rows of the tree's arena; it grows between passes,
// whose graphs are then recorded again, up to SearchSettings::max_nodes.
#pragma once

#include <torch/types.h>

#include <map>
#include <memory>
#include <vector>

#include "infer/growing_tree.h"
#include "infer/label_search.h"
#include "infer/label_trie.h"
#include "infer/work_graph.h"

namespace serendip {

class DeviceSearch {
 public:
  // Keeps references to the first three. The tree holds prompts and what they begin with.
  DeviceSearch(const Decoder& decoder, const LabelTrie& trie, GrowingTree& tree,
               const SearchSettings& settings, MakeWorkGraph make_graph = make_work_graph,
               int64_t rows_per_pass = 4096);  // bounds a pass's activations

  // As LabelSearch::run.
  std::vector<LabelSearchResult> run(const std::vector<LabelQuery>& queries);

  // Trie nodes computed since the beginning.
  int64_t computed_tokens() const { return computed_tokens_; }

 private:
  // The trie as tensors; i64 [N] where nothing is said.
  struct Trie {
    torch::Tensor token, depth, parent, ancestors;  // ancestors: [N, depth], from below the root on
    torch::Tensor head;        // of the forced chain that the node is in: the first of it
    torch::Tensor is_head;     // bool [N]
    torch::Tensor label_node;  // [M]
    // Nodes whose parents are first, second, … of their chains, and those parents.
    std::vector<std::pair<torch::Tensor, torch::Tensor>> by_chain_place;
  };
  // Of Q queries, with prompts of at most P tokens. A place is q·N + node; the lists by place have
  // one more, which is written where there is nothing to write.
  struct State {
    int64_t queries = 0, prompt_length = 0;
    torch::Tensor prompt, prompt_size;   // i32 [Q, P] rows of the arena, i64 [Q]
    torch::Tensor allows, allows_label;  // bool [Q, N], [Q, M]
    torch::Tensor log_prob, score;       // f64 [Q, N], [Q, M]; -inf: not known
    torch::Tensor frontier, in_level;    // bool [Q, N]
    torch::Tensor expansions;            // i64 [Q]
    torch::Tensor row, pass_row;         // i64 [Q·N + 1] by place: in the arena, in the pass or -1
    torch::Tensor parent, token;         // i64 [Q·N]: place of the parent, token of the node
    torch::Tensor label_place;           // i64 [Q·M]
    torch::Tensor step, label_step;      // f64 [Q·N], [Q·M]: of the last token or the terminator
    torch::Tensor list, count;           // i64: places to compute, then -1; their number
    torch::Tensor pass_list;             // i64: the part of the list that a pass computes
    torch::Tensor pass_first_row;        // i64: the arena's row of the first of them
  };

  void set_trie();
  void make_state(int64_t queries, int64_t prompt_length);
  void begin(const std::vector<LabelQuery>& queries);
  void reserve(int64_t rows);
  void compute(int64_t first_row, int64_t count);
  void pass(int64_t rows);
  TokenTreeBatch batch(const torch::Tensor& place, const torch::Tensor& is_there) const;
  void take(int64_t first, const torch::Tensor& logits);
  void close_level();
  torch::Tensor chosen(const torch::Tensor& opened, const torch::Tensor& new_labels) const;
  std::vector<LabelSearchResult> results(int64_t queries) const;

  const Decoder& decoder_;
  const LabelTrie& trie_;
  GrowingTree& tree_;
  SearchSettings settings_;
  MakeWorkGraph make_graph_;
  int64_t rows_per_pass_;
  torch::Device device_;
  torch::TensorOptions index_, number_, mask_;  // i64, f64 and bool there
  Trie on_device_;
  State state_;
  PositionTables tables_;
  torch::Tensor arena_;  // what pass graphs were recorded on: the first layer's keys
  std::map<int64_t, std::unique_ptr<WorkGraph>> pass_graphs_;  // by rows
  std::unique_ptr<WorkGraph> level_graph_;
  int64_t computed_tokens_ = 0;
};

}  // namespace serendip
