#include "infer/device_search.h"

#include <torch/utils.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "base/check.h"

namespace serendip {
namespace {

using torch::Tensor;

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
constexpr int64_t kFewestRows = 64, kSizesPerDoubling = 8;

int64_t rounded_up(int64_t value, int64_t grain) { return (value + grain - 1) / grain * grain; }

Tensor to_device(const std::vector<int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

// Of a pass for this many rows: one of few numbers, at most an eighth too many beyond the fewest.
int64_t pass_size(int64_t rows) {
  const auto below = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(rows)));
  return rounded_up(rows, std::max(kFewestRows, below / kSizesPerDoubling));
}

}  // namespace

DeviceSearch::DeviceSearch(const Decoder& decoder, const LabelTrie& trie, GrowingTree& tree,
                           const SearchSettings& settings, MakeWorkGraph make_graph,
                           int64_t rows_per_pass)
    : decoder_(decoder),
      trie_(trie),
      tree_(tree),
      settings_(settings),
      make_graph_(std::move(make_graph)),
      rows_per_pass_(rows_per_pass),
      device_(decoder.embed_tokens.device()),
      index_(torch::TensorOptions(torch::kInt64).device(device_)),
      number_(index_.dtype(torch::kFloat64)),
      mask_(index_.dtype(torch::kBool)) {
  SERENDIP_CHECK(settings.mode != SearchMode::kSample,
                 "label search on a device: expected exact, greedy or full, got sample");
  set_trie();
}

void DeviceSearch::set_trie() {
  const int64_t nodes = trie_.node_count(), depth = trie_.depth();
  std::vector<int64_t> token, at_depth, parent, head, place, label_node;
  for (std::vector<int64_t>* list : {&token, &at_depth, &parent, &head, &place})
    list->resize(static_cast<size_t>(nodes));
  label_node.resize(static_cast<size_t>(trie_.label_count()));
  Tensor ancestors = torch::zeros({nodes, depth}, torch::kInt64);
  auto* path = ancestors.mutable_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> by_place;
  for (int64_t at = 0; at < nodes; ++at) {  // parents have smaller numbers
    const LabelTrie::Node& node = trie_.node(static_cast<int32_t>(at));
    const auto here = static_cast<size_t>(at);
    token[here] = std::max(node.token, 0);
    for (const int32_t label : node.labels) label_node[static_cast<size_t>(label)] = at;
    const bool is_forced =
        at != LabelTrie::kRoot && node.children.size() == 1 && node.labels.empty();
    for (const int32_t child : node.children) {
      const auto below = static_cast<size_t>(child);
      parent[below] = at;
      at_depth[below] = at_depth[here] + 1;
      std::copy_n(path + at * depth, at_depth[here], path + child * depth);
      path[child * depth + at_depth[here]] = child;
      head[below] = is_forced ? head[here] : child;
      place[below] = is_forced ? place[here] + 1 : 0;
      by_place.resize(std::max(by_place.size(), static_cast<size_t>(place[here]) + 1));
      by_place[static_cast<size_t>(place[here])].push_back(child);
    }
  }
  const auto moved = [&](const std::vector<int64_t>& values) { return to_device(values, device_); };
  on_device_ = {moved(token),      moved(at_depth),
                moved(parent),     ancestors.to(device_),
                moved(head),       moved(head) == torch::arange(nodes, index_),
                moved(label_node), {}};
  for (const std::vector<int64_t>& children : by_place) {
    std::vector<int64_t> parents;
    for (const int64_t child : children) parents.push_back(parent[static_cast<size_t>(child)]);
    on_device_.by_chain_place.emplace_back(moved(children), moved(parents));
  }
}

void DeviceSearch::make_state(int64_t queries, int64_t prompt_length) {
  const int64_t nodes = trie_.node_count(), labels = trie_.label_count(), places = queries * nodes;
  State& state = state_;
  state.queries = queries;
  state.prompt_length = prompt_length;
  state.prompt = torch::zeros({queries, prompt_length}, index_.dtype(torch::kInt32));
  state.prompt_size = torch::ones({queries}, index_);
  state.allows = torch::zeros({queries, nodes}, mask_);
  state.allows_label = torch::zeros({queries, labels}, mask_);
  state.log_prob = torch::zeros({queries, nodes}, number_);
  state.score = torch::zeros({queries, labels}, number_);
  state.frontier = torch::zeros({queries, nodes}, mask_);
  state.in_level = torch::zeros({queries, nodes}, mask_);
  state.expansions = torch::zeros({queries}, index_);
  state.row = torch::zeros({places + 1}, index_);
  state.pass_row = torch::full({places + 1}, -1, index_);
  const Tensor first_place = torch::arange(queries, index_).unsqueeze(1) * nodes;
  state.parent = (first_place + on_device_.parent).view(-1);
  state.parent.view({queries, nodes}).select(1, LabelTrie::kRoot).fill_(places);
  state.token = on_device_.token.repeat({queries});
  state.label_place = (first_place + on_device_.label_node).view(-1);
  state.step = torch::zeros({places}, number_);
  state.label_step = torch::zeros({queries * labels}, number_);
  state.list = torch::full({places + rows_per_pass_ + 1}, -1, index_);
  state.count = torch::zeros({}, index_);
  state.pass_list = torch::full({rows_per_pass_}, -1, index_);
  state.pass_first_row = torch::zeros({}, index_);
  tables_ = position_tables(decoder_, prompt_length + trie_.depth());
  level_graph_ = make_graph_(device_);
  pass_graphs_.clear();
}

// Opens the roots of the queries' searches.
void DeviceSearch::begin(const std::vector<LabelQuery>& queries) {
  std::vector<std::vector<int32_t>> prompts;
  int64_t longest = 0;
  for (const LabelQuery& query : queries) {
    prompts.push_back(query.prompt);
    longest = std::max(longest, static_cast<int64_t>(query.prompt.size()));
  }
  const std::vector<int32_t> ends = tree_.add_prompts(prompts);
  const auto count = static_cast<int64_t>(queries.size());
  if (count > state_.queries || longest > state_.prompt_length)
    make_state(std::max(count, state_.queries), std::max(longest, state_.prompt_length));
  check_node_count(tree_.size(), settings_);

  State& state = state_;
  const int64_t nodes = trie_.node_count(), labels = trie_.label_count();
  const std::vector<int32_t> asked = ascending(ends);
  Tensor prompt = torch::zeros({state.queries, state.prompt_length}, torch::kInt32);
  std::vector<int64_t> size(static_cast<size_t>(state.queries), 1), root, answer, closed,
      closed_label;
  for (int64_t i = 0; i < count; ++i) {
    const LabelQuery& query = queries[static_cast<size_t>(i)];
    const int32_t end = ends[static_cast<size_t>(i)];
    const std::vector<int32_t> path = tree_.path(end);
    std::copy(path.begin(), path.end(), prompt[i].mutable_data_ptr<int32_t>());
    size[static_cast<size_t>(i)] = static_cast<int64_t>(path.size());
    root.push_back(i * nodes + LabelTrie::kRoot);
    answer.push_back(std::lower_bound(asked.begin(), asked.end(), end) - asked.begin());
    for (const int32_t label : query.excluded) {
      closed_label.push_back(i * labels + label);
      for (const int32_t node : trie_.path(label))
        if (!trie_.allows(node, query.excluded)) closed.push_back(i * nodes + node);
    }
  }
  const auto moved = [&](const std::vector<int64_t>& values) { return to_device(values, device_); };
  const auto live = [&](const Tensor& by_query) { return by_query.narrow(0, 0, count); };
  state.prompt.copy_(prompt);
  state.prompt_size.copy_(moved(size));
  for (Tensor* mask : {&state.allows, &state.allows_label, &state.in_level, &state.frontier})
    mask->fill_(false);
  live(state.allows).fill_(true);
  live(state.allows_label).fill_(true);
  if (!closed.empty()) state.allows.view(-1).index_fill_(0, moved(closed), false);
  if (!closed_label.empty()) state.allows_label.view(-1).index_fill_(0, moved(closed_label), false);
  state.log_prob.fill_(kMinusInfinity).select(1, LabelTrie::kRoot).fill_(0);
  state.score.fill_(kMinusInfinity);
  state.expansions.zero_();
  live(state.expansions).fill_(1);
  live(state.in_level).select(1, LabelTrie::kRoot).fill_(true);
  state.pass_row.fill_(-1).index_copy_(0, moved(root), moved(answer));
  tree_.compute_logits(asked, [&](size_t first, const Tensor& logits) {
    take(static_cast<int64_t>(first), logits);
  });
}

// Makes room for rows of the arena before `rows` and for one behind, which is written where there
// is nothing to write.
void DeviceSearch::reserve(int64_t rows) {
  KeyValueArena& arena = tree_.arena();
  const int64_t capacity = arena.key[0].size(0);
  if (rows + 1 > capacity)
    arena.reserve(decoder_.config, std::max(rows + 1, 2 * capacity), arena.key[0].options());
  if (arena_.defined() && arena_.is_same(arena.key[0])) return;
  arena_ = arena.key[0];
  pass_graphs_.clear();
}

// The model after the `count` listed places, whose rows in the arena begin at `first_row`.
void DeviceSearch::compute(int64_t first_row, int64_t count) {
  check_node_count(first_row + count, settings_);
  reserve(first_row + count);
  for (int64_t begin = 0; begin < count; begin += rows_per_pass_) {
    const int64_t rows =
        std::min(rows_per_pass_, pass_size(std::min(count - begin, rows_per_pass_)));
    state_.pass_list.narrow(0, 0, rows).copy_(state_.list.narrow(0, begin, rows));
    state_.pass_first_row.fill_(first_row + begin);
    std::unique_ptr<WorkGraph>& graph = pass_graphs_[rows];
    if (!graph) graph = make_graph_(device_);
    graph->run([&] { pass(rows); });
  }
  computed_tokens_ += count;
}

// The paths of the places: their prompts, then the nodes above them and themselves.
TokenTreeBatch DeviceSearch::batch(const Tensor& place, const Tensor& is_there) const {
  const int64_t nodes = trie_.node_count(), rows = place.size(0);
  const Tensor query = place.floor_divide(nodes), node = place.remainder(nodes);
  const Tensor depth = on_device_.depth.index_select(0, node),
               prompt_size = state_.prompt_size.index_select(0, query);
  const Tensor above = (query * nodes).unsqueeze(1) + on_device_.ancestors.index_select(0, node);
  Tensor path =
      torch::cat({state_.prompt.index_select(0, query),
                  state_.row.index_select(0, above.view(-1)).view_as(above).to(torch::kInt32)},
                 1);
  const auto before = [&](const Tensor& size, int64_t most) {
    return torch::arange(most, index_).unsqueeze(0) < size.unsqueeze(1);
  };
  Tensor is_in_path =
      torch::cat({before(prompt_size, state_.prompt_length), before(depth, trie_.depth())}, 1) &
      is_there.unsqueeze(1);
  // Where there is nothing to compute, a path of one row.
  const Tensor nothing = is_there.logical_not();
  is_in_path.select(1, 0).logical_or_(nothing);
  path.select(1, 0).masked_fill_(nothing, arena_.size(0) - 1);
  const int64_t cells = path.numel();
  const Tensor end = is_in_path.view(-1).cumsum(0);
  const Tensor to = torch::where(is_in_path.view(-1), end - 1, cells);
  const Tensor packed = torch::zeros({cells + 1}, path.options()).scatter_(0, to, path.view(-1));
  const Tensor offset =
      torch::cat({torch::zeros({1}, index_), end.view({rows, -1}).select(1, path.size(1) - 1)});
  return {on_device_.token.index_select(0, node),
          torch::where(is_there, prompt_size + depth - 1, int64_t{0}), offset,
          packed.narrow(0, 0, cells), path.size(1)};
}

// The model after the first `rows` places of the pass's list, -1 where there is none.
void DeviceSearch::pass(int64_t rows) {
  torch::NoGradGuard no_grad;
  State& state = state_;
  const Tensor listed = state.pass_list.narrow(0, 0, rows), is_there = listed >= 0;
  const Tensor number = torch::arange(rows, index_);
  const int64_t nowhere = state.row.size(0) - 1;
  const Tensor row = torch::where(is_there, state.pass_first_row + number, arena_.size(0) - 1);
  const Tensor to = torch::where(is_there, listed, nowhere);
  state.row.scatter_(0, to, row);
  state.pass_row.fill_(-1).scatter_(0, to, number).narrow(0, nowhere, 1).fill_(-1);
  const TokenTreeBatch nodes = batch(listed.clamp_min(0), is_there);
  const Tensor hidden = DecoderPass(decoder_, nodes, row, tables_, tree_.arena()).run();
  for (int64_t first = 0; first < rows; first += GrowingTree::kRowsPerProjection)
    take(first, decoder_
                    .logits(hidden.narrow(0, first,
                                          std::min(GrowingTree::kRowsPerProjection, rows - first)))
                    .to(torch::kFloat32));
}

// What the model says after rows [first, first + logits.size(0)) of the pass, into the steps of
// the nodes and labels below them.
void DeviceSearch::take(int64_t first, const Tensor& logits) {
  const int64_t rows = logits.size(0), vocabulary = logits.size(1);
  const Tensor log_z = logits.logsumexp(1), flat = logits.reshape({-1});
  const auto take_step = [&](const Tensor& above, const Tensor& token, Tensor& step) {
    const Tensor row = state_.pass_row.index_select(0, above) - first;
    const Tensor is_here = (row >= 0) & (row < rows), nearest = row.clamp(0, rows - 1);
    const Tensor found =
        flat.index_select(0, nearest * vocabulary + token) - log_z.index_select(0, nearest);
    step.copy_(torch::where(is_here, found.to(torch::kFloat64), step));
  };
  take_step(state_.parent, state_.token, state_.step);
  take_step(state_.label_place, torch::full({1}, trie_.terminator(), index_), state_.label_step);
}

// After the level's passes: what is known now, and what to compute in the next level.
void DeviceSearch::close_level() {
  torch::NoGradGuard no_grad;
  State& state = state_;
  const Tensor step = state.step.view_as(state.log_prob);
  for (const auto& [node, parent] : on_device_.by_chain_place) {
    const Tensor known = state.log_prob.index_select(1, parent) + step.index_select(1, node);
    state.log_prob.index_copy_(1, node,
                               torch::where(state.in_level.index_select(1, parent), known,
                                            state.log_prob.index_select(1, node)));
  }
  Tensor above = state.in_level.index_select(1, on_device_.parent);
  above.select(1, LabelTrie::kRoot).fill_(false);
  const Tensor opened = above & on_device_.is_head & state.allows;
  const Tensor new_labels =
      state.in_level.index_select(1, on_device_.label_node) & state.allows_label;
  const Tensor label_log_prob =
      state.log_prob.index_select(1, on_device_.label_node) + state.label_step.view_as(state.score);
  state.score.copy_(torch::where(new_labels, label_log_prob, state.score));
  state.frontier.logical_or_(opened);

  const Tensor heads = chosen(opened, new_labels);
  state.frontier.logical_and_(heads.logical_not());
  state.expansions.add_(heads.sum(1));
  state.in_level.copy_(heads.index_select(1, on_device_.head));
  const Tensor is_listed = state.in_level.view(-1), end = is_listed.cumsum(0);
  state.list.fill_(-1).scatter_(0, torch::where(is_listed, end - 1, state.list.size(0) - 1),
                                torch::arange(is_listed.size(0), index_));
  state.count.copy_(end.select(0, end.size(0) - 1));
}

// Which frontier nodes to expand, bool [Q, N]; the same as each mode's QuerySearch::next. Given
// are the nodes and labels that have become known in this level.
Tensor DeviceSearch::chosen(const Tensor& opened, const Tensor& new_labels) const {
  const State& state = state_;
  if (settings_.mode == SearchMode::kFull) return state.frontier.clone();
  const auto none = [&] { return torch::zeros_like(state.frontier); };
  if (settings_.mode == SearchMode::kGreedy) {
    const auto [best, node] =
        torch::where(opened, state.log_prob, kMinusInfinity).max(1, /*keepdim=*/true);
    const Tensor ending =
        torch::where(new_labels, state.score, kMinusInfinity).amax(1, /*keepdim=*/true);
    return none().scatter_(1, node, best > ending);
  }
  const int64_t k = settings_.k, nodes = trie_.node_count(), labels = trie_.label_count();
  const Tensor bar = k <= labels ? std::get<0>(state.score.topk(k)).narrow(1, k - 1, 1)
                                 : torch::full({state.queries, 1}, kMinusInfinity, number_);
  const Tensor frontier = torch::where(state.frontier, state.log_prob, kMinusInfinity);
  const auto [log_prob, node] = frontier.topk(std::min(std::max<int64_t>(1, k / 4), nodes));
  const Tensor is_left = log_prob > kMinusInfinity;
  if (settings_.tolerance >= 1) return none().scatter_(1, node, is_left & (log_prob >= bar));
  const Tensor top = log_prob.narrow(1, 0, 1);
  const Tensor is_proven = (top < bar) | (top == kMinusInfinity);
  // Sums in units of the best label's mass.
  const Tensor best = state.score.amax(1, /*keepdim=*/true);
  const Tensor low = (state.score - best).exp().sum(1, /*keepdim=*/true),
               high = low + (frontier - best).exp().sum(1, /*keepdim=*/true);
  const Tensor is_narrow = (best == kMinusInfinity) | (top == kMinusInfinity) |
                           (low.reciprocal() - high.reciprocal() <= settings_.tolerance);
  return none().scatter_(
      1, node, is_left & torch::where(is_proven, is_narrow.logical_not(), log_prob >= bar));
}

std::vector<LabelSearchResult> DeviceSearch::results(int64_t queries) const {
  const int64_t k =
      settings_.k > 0 ? std::min(settings_.k, trie_.label_count()) : trie_.label_count();
  // Stable, so that ties are by label. A float64 holds any label.
  const auto [score, label] = state_.score.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
  const Tensor frontier = torch::where(state_.frontier, state_.log_prob, kMinusInfinity);
  const Tensor low = state_.score.logsumexp(1), rest = frontier.logsumexp(1);
  const Tensor read =
      torch::cat(
          {score.narrow(1, 0, k), label.narrow(1, 0, k).to(torch::kFloat64),
           torch::stack({low, torch::logaddexp(low, rest), state_.expansions.to(torch::kFloat64)},
                        1)},
          1)
          .to(torch::kCPU);
  std::vector<LabelSearchResult> results;
  const auto row = read.accessor<double, 2>();
  for (int64_t i = 0; i < queries; ++i) {
    LabelSearchResult result{
        {}, row[i][2 * k], row[i][2 * k + 1], static_cast<int64_t>(row[i][2 * k + 2])};
    for (int64_t j = 0; j < k && row[i][j] > kMinusInfinity; ++j)
      result.best.push_back({static_cast<int32_t>(row[i][k + j]), row[i][j]});
    results.push_back(std::move(result));
  }
  return results;
}

std::vector<LabelSearchResult> DeviceSearch::run(const std::vector<LabelQuery>& queries) {
  torch::NoGradGuard no_grad;
  begin(queries);
  int64_t next_row = tree_.size();
  for (;;) {
    level_graph_->run([&] { close_level(); });
    const auto count = state_.count.item<int64_t>();
    if (count == 0) return results(static_cast<int64_t>(queries.size()));
    compute(next_row, count);
    next_row += count;
  }
}

}  // namespace serendip
