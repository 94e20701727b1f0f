#include "transitions/mine.h"

#include <algorithm>
#include <exception>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"

namespace serendip {
namespace {

constexpr int64_t kUserBlock = 1024;                 // mined by one thread in one go
constexpr int64_t kMemoryOfALog = int64_t{1} << 30;  // for counting one that is in the memory

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

// mine_user with the memory that one user after the other needs.
class UserMiner {
 public:
  UserMiner(const MiningRule& rule, int64_t clusters)
      : rule_(rule), last_user_(static_cast<size_t>(clusters), 0) {}

  void mine(std::span<const int32_t> cluster, std::span<const float> reward,
            std::vector<int32_t>& context, std::vector<int32_t>& label) {
    ++user_;
    RecentClusters recent(rule_.context_size);
    for (size_t e = 0; e < cluster.size(); ++e) {
      int64_t& last_user = last_user_[static_cast<size_t>(cluster[e])];
      const bool positive = reward[e] >= rule_.positive_reward;
      const bool novel =
          rule_.novelty == Novelty::kHistory ? last_user != user_ : !recent.contains(cluster[e]);
      if (positive && novel && recent.is_full()) {
        recent.append_to(context);
        label.push_back(cluster[e]);
      }
      last_user = user_;
      if (positive) recent.push(cluster[e]);
    }
  }

 private:
  const MiningRule& rule_;
  std::vector<int64_t> last_user_;  // who had the cluster last, of those mined here
  int64_t user_ = 0;
};

// What a thread found among up to kUserBlock users.
struct MinedBlock {
  std::vector<int32_t> context, label;  // training
  UserTransitions dev, test;
  std::array<int64_t, 3> users = {0, 0, 0};
};

void mine_block(const UserEvents& events, int64_t first, const std::vector<int32_t>& item_cluster,
                UserMiner& miner, MinedBlock& block) {
  std::vector<int32_t> cluster;
  for (int64_t user = first; user < std::min(first + kUserBlock, events.user_count()); ++user) {
    const auto begin = static_cast<size_t>(events.offset[static_cast<size_t>(user)]);
    const auto size = static_cast<size_t>(events.offset[static_cast<size_t>(user) + 1]) - begin;
    cluster.clear();
    for (size_t e = begin; e < begin + size; ++e)
      cluster.push_back(item_cluster[static_cast<size_t>(events.item[e])]);
    const auto reward = std::span<const float>(events.reward).subspan(begin, size);
    const Split split = split_of(events.user_id[static_cast<size_t>(user)]);
    ++block.users[static_cast<size_t>(split)];
    if (split == Split::kTrain) {
      miner.mine(cluster, reward, block.context, block.label);
    } else {
      UserTransitions& rows = split == Split::kDev ? block.dev : block.test;
      miner.mine(cluster, reward, rows.context, rows.label);
      rows.user.resize(rows.label.size(), static_cast<int32_t>(events.first_user + user));
    }
  }
}

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
  const int32_t highest = cluster.empty() ? 0 : *std::max_element(cluster.begin(), cluster.end());
  UserMiner(rule, highest + 1).mine(cluster, reward, context, label);
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

std::unordered_set<int32_t> known_clusters(std::span<const int32_t> cluster,
                                           std::span<const int32_t> context, Novelty novelty) {
  const std::span<const int32_t> known = novelty == Novelty::kHistory ? cluster : context;
  return {known.begin(), known.end()};
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

TransitionSet mine_training_users(const Dataset& dataset, const std::vector<int32_t>& item_cluster,
                                  int64_t clusters, const MiningRule& rule) {
  const auto counter = make_transition_counter(rule.context_size, clusters, kMemoryOfALog,
                                               std::filesystem::temp_directory_path());
  UserMiner miner(rule, clusters);
  std::vector<int32_t> context, label;
  for (int64_t user = 0; user < dataset.user_count(); ++user)
    if (split_of(dataset.user_id[static_cast<size_t>(user)]) == Split::kTrain)
      miner.mine(clusters_of_user(dataset, item_cluster, user), rewards_of_user(dataset, user),
                 context, label);
  counter->add(context, label);
  TransitionSet all, block;
  all.context_size = rule.context_size;
  while (counter->next(block)) {
    all.context.insert(all.context.end(), block.context.begin(), block.context.end());
    all.label.insert(all.label.end(), block.label.begin(), block.label.end());
    all.count.insert(all.count.end(), block.count.begin(), block.count.end());
  }
  return all;
}

MinedTransitions mine_transitions(UserEventReader& events, const std::vector<int32_t>& item_cluster,
                                  int64_t clusters, const MiningRule& rule, int64_t memory,
                                  const std::filesystem::path& folder) {
  SERENDIP_CHECK(rule.context_size >= 1, "context size is {}, expected at least 1",
                 rule.context_size);
  SERENDIP_CHECK(static_cast<int64_t>(item_cluster.size()) == events.item_count(),
                 "the tree assigns {} items, the dataset has {}; run `serendip cluster` again",
                 item_cluster.size(), events.item_count());
  MinedTransitions mined{make_transition_counter(rule.context_size, clusters, memory, folder),
                         HeldOutRows(rule.context_size, folder),
                         HeldOutRows(rule.context_size, folder)};
  Progress progress("transitions", events.user_count(), "users");
  UserEvents stretch;
  while (events.next(stretch)) {
    throw_if_interrupted();
    const int64_t blocks = (stretch.user_count() + kUserBlock - 1) / kUserBlock;
    std::vector<MinedBlock> done(static_cast<size_t>(blocks));
    std::exception_ptr failure;  // none may leave the threads
#pragma omp parallel
    {
      UserMiner miner(rule, clusters);
#pragma omp for schedule(dynamic)
      for (int64_t block = 0; block < blocks; ++block) {
        try {
          MinedBlock& mine = done[static_cast<size_t>(block)];
          mine_block(stretch, block * kUserBlock, item_cluster, miner, mine);
          mined.train->add(mine.context, mine.label);
        } catch (...) {
#pragma omp critical
          failure = std::current_exception();
        }
      }
    }
    if (failure) std::rethrow_exception(failure);
    for (const MinedBlock& block : done) {
      mined.occurrences += static_cast<int64_t>(block.label.size());
      for (size_t split = 0; split < 3; ++split) mined.users[split] += block.users[split];
      mined.dev.append(block.dev);
      mined.test.append(block.test);
    }
    progress.advance(stretch.user_count());
  }
  return mined;
}

}  // namespace serendip
