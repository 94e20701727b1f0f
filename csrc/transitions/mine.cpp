#include "transitions/mine.h"

#include <algorithm>
#include <unordered_set>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "transitions/counting.h"

namespace serendip {
namespace {

constexpr int64_t kUserBlock = 1024;
constexpr int64_t kBlocksBetweenChecks = 64;
constexpr int64_t kMergeRows = 1 << 20;  // merged earlier, the rows are sorted too often

// The last K distinct clusters, oldest first.
class RecentClusters {
 public:
  explicit RecentClusters(int64_t size) : size_(static_cast<size_t>(size)) {}

  bool is_full() const { return clusters_.size() == size_; }
  bool contains(int32_t cluster) const {
    return std::find(clusters_.begin(), clusters_.end(), cluster) != clusters_.end();
  }
  void push(int32_t cluster) {
    const auto held = std::find(clusters_.begin(), clusters_.end(), cluster);
    if (held != clusters_.end())
      clusters_.erase(held);
    else if (is_full())
      clusters_.erase(clusters_.begin());
    clusters_.push_back(cluster);
  }
  void append_to(std::vector<int32_t>& context) const {
    context.insert(context.end(), clusters_.begin(), clusters_.end());
  }

 private:
  size_t size_;
  std::vector<int32_t> clusters_;
};

std::vector<int32_t> clusters_of_user(const Dataset& dataset,
                                      const std::vector<int32_t>& item_cluster, int64_t user) {
  std::vector<int32_t> clusters;
  for (auto e = static_cast<size_t>(dataset.user_offset[static_cast<size_t>(user)]);
       e < static_cast<size_t>(dataset.user_offset[static_cast<size_t>(user) + 1]); ++e) {
    clusters.push_back(item_cluster[static_cast<size_t>(dataset.event_item[e])]);
  }
  return clusters;
}

std::span<const float> rewards_of_user(const Dataset& dataset, int64_t user) {
  const int64_t begin = dataset.user_offset[static_cast<size_t>(user)];
  const int64_t end = dataset.user_offset[static_cast<size_t>(user) + 1];
  return std::span<const float>(dataset.event_reward)
      .subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

}  // namespace

void mine_user(std::span<const int32_t> cluster, std::span<const float> reward,
               const MiningRule& rule, std::vector<int32_t>& context, std::vector<int32_t>& label) {
  RecentClusters recent(rule.context_size);
  std::unordered_set<int32_t> seen;
  for (size_t e = 0; e < cluster.size(); ++e) {
    const bool positive = reward[e] >= rule.positive_reward;
    const bool novel = rule.novelty == Novelty::kHistory ? !seen.contains(cluster[e])
                                                         : !recent.contains(cluster[e]);
    if (positive && novel && recent.is_full()) {
      recent.append_to(context);
      label.push_back(cluster[e]);
    }
    seen.insert(cluster[e]);
    if (positive) recent.push(cluster[e]);
  }
}

TransitionSet mine_training_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                                  const MiningRule& rule, int64_t user_begin, int64_t user_end) {
  std::vector<int32_t> context;
  std::vector<int32_t> label;
  for (int64_t user = user_begin; user < user_end; ++user) {
    if (split_of(dataset.user_id[static_cast<size_t>(user)]) != Split::kTrain) continue;
    mine_user(clusters_of_user(dataset, item_cluster, user), rewards_of_user(dataset, user), rule,
              context, label);
  }
  return count_rows(rule.context_size, context, label, std::vector<int64_t>(label.size(), 1));
}

TransitionSet merge_counts(const std::vector<TransitionSet>& sets) {
  SERENDIP_CHECK(!sets.empty(), "no transition sets to merge");
  TransitionSet all;
  all.context_size = sets[0].context_size;
  for (const TransitionSet& set : sets) {
    SERENDIP_CHECK(set.context_size == all.context_size,
                   "cannot merge contexts of {} clusters with contexts of {}", set.context_size,
                   all.context_size);
    all.context.insert(all.context.end(), set.context.begin(), set.context.end());
    all.label.insert(all.label.end(), set.label.begin(), set.label.end());
    all.count.insert(all.count.end(), set.count.begin(), set.count.end());
  }
  return count_rows(all.context_size, all.context, all.label, all.count);
}

UserTransitions mine_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                           const MiningRule& rule, Split split) {
  UserTransitions result;
  result.context_size = rule.context_size;
  for (int64_t user = 0; user < dataset.user_count(); ++user) {
    if (split_of(dataset.user_id[static_cast<size_t>(user)]) != split) continue;
    mine_user(clusters_of_user(dataset, item_cluster, user), rewards_of_user(dataset, user), rule,
              result.context, result.label);
    result.user.resize(result.label.size(), static_cast<int32_t>(user));
  }
  return result;
}

std::vector<int32_t> latest_context(std::span<const int32_t> cluster, std::span<const float> reward,
                                    const MiningRule& rule) {
  RecentClusters recent(rule.context_size);
  for (size_t e = 0; e < cluster.size(); ++e)
    if (reward[e] >= rule.positive_reward) recent.push(cluster[e]);
  std::vector<int32_t> context;
  if (recent.is_full()) recent.append_to(context);
  return context;
}

std::vector<int32_t> observed_contexts(const Dataset& dataset,
                                       const std::vector<int32_t>& item_cluster,
                                       const MiningRule& rule) {
  std::vector<int32_t> contexts;
  for (int64_t user = 0; user < dataset.user_count(); ++user) {
    const std::vector<int32_t> cluster = clusters_of_user(dataset, item_cluster, user);
    const std::span<const float> reward = rewards_of_user(dataset, user);
    RecentClusters recent(rule.context_size);
    for (size_t e = 0; e < cluster.size(); ++e) {
      if (reward[e] < rule.positive_reward) continue;
      recent.push(cluster[e]);
      if (recent.is_full()) recent.append_to(contexts);
    }
  }
  return contexts;
}

Transitions mine_transitions(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                             const MiningRule& rule) {
  SERENDIP_CHECK(rule.context_size >= 1, "context size is {}, expected at least 1",
                 rule.context_size);
  const int64_t users = dataset.user_count();
  const int64_t stretch = kUserBlock * kBlocksBetweenChecks;
  Progress progress("transitions", users, "users");
  std::vector<TransitionSet> sets(1);  // merged so far, then what is not merged yet
  sets[0].context_size = rule.context_size;
  int64_t waiting = 0;
  for (int64_t begin = 0; begin < users; begin += stretch) {
    throw_if_interrupted();
    const int64_t end = std::min(users, begin + stretch);
    const int64_t blocks = (end - begin + kUserBlock - 1) / kUserBlock;
    const size_t before = sets.size();
    sets.resize(before + static_cast<size_t>(blocks));
#pragma omp parallel for schedule(dynamic)
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t first = begin + block * kUserBlock;
      sets[before + static_cast<size_t>(block)] = mine_training_users(
          dataset, item_cluster, rule, first, std::min(end, first + kUserBlock));
    }
    for (size_t i = before; i < sets.size(); ++i) waiting += sets[i].size();
    if (waiting > std::max(kMergeRows, sets[0].size())) {
      sets = {merge_counts(sets)};
      waiting = 0;
    }
    progress.advance(end - begin);
  }
  Transitions result;
  result.all = merge_counts(sets);
  result.dev = mine_users(dataset, item_cluster, rule, Split::kDev);
  result.test = mine_users(dataset, item_cluster, rule, Split::kTest);
  return result;
}

}  // namespace serendip
