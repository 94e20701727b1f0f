#include <algorithm>
#include <array>
#include <numeric>

#include "base/check.h"
#include "base/log.h"
#include "transitions/curate.h"
#include "transitions/sets.h"

namespace serendip {
namespace {

// "3 labels with fewer than 10 contexts: 4 (noir, detective), …"
void log_labels(const std::vector<int32_t>& labels, const std::string& what,
                const TreeLevel& level) {
  if (labels.empty()) return;
  constexpr size_t kShown = 10;
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(kShown, labels.size()); ++i) {
    names.push_back(
        fmt::format("{} ({})", labels[i], level.description[static_cast<size_t>(labels[i])]));
  }
  if (labels.size() > kShown) names.push_back("…");
  spdlog::warn("{} labels with {}: {}", labels.size(), what, fmt::join(names, ", "));
}

// Users of each split, by its number.
std::array<int64_t, 3> count_users(const Dataset& dataset) {
  std::array<int64_t, 3> users = {0, 0, 0};
  for (const std::string& user : dataset.user_id) ++users[static_cast<size_t>(split_of(user))];
  return users;
}

}  // namespace

void CurateOptions::declare(OptionSet& set) {
  set.add("context_size", context_size, "clusters in a context (K)",
          within(int64_t{1}, int64_t{16}));
  set.add("novelty", novelty, "a label is new to the user's whole history, or to the context only",
          one_of({"history", "context"}));
  set.add("positive_reward", positive_reward, "an event is positive at this reward and above");
  set.add("per_label", per_label, "contexts for each label in the balanced set",
          at_least(int64_t{1}));
  set.add("seed", seed, "of the random control set", at_least(int64_t{0}));
}

MiningRule CurateOptions::rule() const {
  MiningRule rule;
  rule.context_size = context_size;
  rule.novelty = novelty == "context" ? Novelty::kContext : Novelty::kHistory;
  rule.positive_reward = static_cast<float>(positive_reward);
  return rule;
}

nlohmann::json curate_dataset(const CurateOptions& options, const Dataset& dataset,
                              const ClusterTree& tree, const std::filesystem::path& folder) {
  const TreeLevel& level = tree.planning();
  SERENDIP_CHECK(level.assignment.size() == dataset.item_id.size(),
                 "the tree assigns {} items, the dataset has {}; run `serendip cluster` again",
                 level.assignment.size(), dataset.item_id.size());
  const Transitions transitions = mine_transitions(dataset, level.assignment, options.rule());
  const std::vector<int64_t>& counts = transitions.all.count;
  const int64_t occurrences = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  const std::array<int64_t, 3> users = count_users(dataset);
  SERENDIP_CHECK(occurrences > 0,
                 "no transitions: none of {} training users has a positive event (reward ≥ {}) in "
                 "a new cluster after {} others",
                 users[static_cast<size_t>(Split::kTrain)], options.positive_reward,
                 options.context_size);

  const BalancedSet balanced =
      balanced_set(transitions.all, level.cluster_count(), options.per_label);
  log_labels(balanced.coverage.short_labels,
             fmt::format("fewer than {} contexts", options.per_label), level);
  log_labels(balanced.coverage.no_labels, "no context", level);
  save_transition_set(balanced.set, folder / "sft_balanced.jsonl");
  save_transition_set(
      random_control(transitions.all, balanced.set.size(), static_cast<uint64_t>(options.seed)),
      folder / "sft_random.jsonl");
  save_transition_set(count_occurrences(transitions.dev), folder / "dev.jsonl");
  save_transition_set(count_occurrences(transitions.test), folder / "test.jsonl");
  save_transitions(transitions, folder / "transitions.h5");
  return {{"transitions", occurrences},
          {"distinct", transitions.all.size()},
          {"balanced", balanced.set.size()},
          {"labels_short", balanced.coverage.short_labels.size()},
          {"labels_none", balanced.coverage.no_labels.size()},
          {"dev", transitions.dev.label.size()},
          {"test", transitions.test.label.size()},
          {"train_users", users[static_cast<size_t>(Split::kTrain)]},
          {"dev_users", users[static_cast<size_t>(Split::kDev)]},
          {"test_users", users[static_cast<size_t>(Split::kTest)]}};
}

}  // namespace serendip
