#include "transitions/curate.h"

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "base/log.h"
#include "clusters/tree.h"
#include "transitions/sets.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr const char* kUserCounts = "/users";  // of a piece: i64 [3], by Split

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

int64_t memory_bytes(const CurateOptions& options) { return options.memory << 20; }

fs::path pieces_folder(const fs::path& folder) { return folder / "curate.parts"; }
fs::path piece_path(const fs::path& folder, int64_t piece) {
  return pieces_folder(folder) / fmt::format("piece_{}.h5", piece);
}

MinedTransitions mine_piece(const CurateOptions& options, const fs::path& data_h5,
                            const TreeLevel& level, const fs::path& folder, int64_t piece,
                            int64_t pieces) {
  fs::create_directories(folder);
  UserEventReader events(data_h5, piece, pieces);
  return mine_transitions(events, level.assignment, level.cluster_count(), options.rule(),
                          memory_bytes(options), folder);
}

// All that there is to write: from one process or from pieces.
struct CuratedRows {
  TransitionSource all;
  HeldOutSource dev, test;
  std::array<int64_t, 3> users = {0, 0, 0};
};

CuratedRows rows_of(MinedTransitions& mined) {
  return {[&](TransitionSet& block) { return mined.train->next(block); },
          [&](UserTransitions& block) { return mined.dev.next(block); },
          [&](UserTransitions& block) { return mined.test.next(block); }, mined.users};
}

// The rows of one source after the other.
HeldOutSource joined(std::vector<HeldOutSource> sources) {
  return [sources = std::move(sources), at = size_t{0}](UserTransitions& block) mutable {
    for (; at < sources.size(); ++at)
      if (sources[at](block)) return true;
    return false;
  };
}

// A set of held-out users' transitions, equal ones counted. Returns the occurrences.
int64_t save_held_out(const CurateOptions& options, const TreeLevel& level, const fs::path& folder,
                      const std::string& name) {
  const auto counter = make_transition_counter(options.context_size, level.cluster_count(),
                                               memory_bytes(options), folder);
  const HeldOutSource rows = read_held_out(folder / "transitions.h5", "/" + name);
  int64_t occurrences = 0;
  for (UserTransitions block; rows(block);) {
    counter->add(block.context, block.label);
    occurrences += static_cast<int64_t>(block.label.size());
  }
  save_transition_set([&](TransitionSet& block) { return counter->next(block); },
                      folder / (name + ".jsonl"));
  return occurrences;
}

// Writes transitions.h5; returns its occurrences and distinct rows.
std::pair<int64_t, int64_t> save_rows(const CurateOptions& options, const CuratedRows& rows,
                                      const fs::path& path) {
  int64_t occurrences = 0, distinct = 0;
  const TransitionSource counted = [&](TransitionSet& block) {
    if (!rows.all(block)) return false;
    for (const int64_t count : block.count) occurrences += count;
    distinct += block.size();
    return true;
  };
  write_hdf5(path, [&](Hdf5File& file) {
    write_transitions(file, options.context_size, counted, rows.dev, rows.test);
    SERENDIP_CHECK(occurrences > 0,
                   "no transitions: none of {} training users has a positive event (reward ≥ {}) "
                   "in a new cluster after {} others",
                   rows.users[static_cast<size_t>(Split::kTrain)], options.positive_reward,
                   options.context_size);
  });
  return {occurrences, distinct};
}

nlohmann::json write_sets(const CurateOptions& options, const CuratedRows& rows,
                          const TreeLevel& level, const fs::path& folder) {
  const fs::path path = folder / "transitions.h5";
  const auto [occurrences, distinct] = save_rows(options, rows, path);
  const BalancedSet balanced =
      balanced_set(read_transitions(path), level.cluster_count(), options.per_label);
  log_labels(balanced.coverage.short_labels,
             fmt::format("fewer than {} contexts", options.per_label), level);
  log_labels(balanced.coverage.no_labels, "no context", level);
  save_transition_set(balanced.set, folder / "sft_balanced.jsonl");
  save_transition_set(random_control(read_transitions(path), occurrences, balanced.set.size(),
                                     static_cast<uint64_t>(options.seed)),
                      folder / "sft_random.jsonl");
  const int64_t dev = save_held_out(options, level, folder, "dev");
  const int64_t test = save_held_out(options, level, folder, "test");
  fs::remove_all(pieces_folder(folder));
  return {{"transitions", occurrences},
          {"distinct", distinct},
          {"balanced", balanced.set.size()},
          {"labels_short", balanced.coverage.short_labels.size()},
          {"labels_none", balanced.coverage.no_labels.size()},
          {"dev", dev},
          {"test", test},
          {"train_users", rows.users[static_cast<size_t>(Split::kTrain)]},
          {"dev_users", rows.users[static_cast<size_t>(Split::kDev)]},
          {"test_users", rows.users[static_cast<size_t>(Split::kTest)]}};
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
  set.add("memory", memory, "MiB for counting, of each process; what is beyond goes to the disk",
          within(int64_t{1}, int64_t{1} << 24));
}

MiningRule CurateOptions::rule() const {
  MiningRule rule;
  rule.context_size = context_size;
  rule.novelty = novelty == "context" ? Novelty::kContext : Novelty::kHistory;
  rule.positive_reward = static_cast<float>(positive_reward);
  return rule;
}

nlohmann::json curate(const CurateOptions& options, const fs::path& data_h5,
                      const fs::path& tree_h5, const fs::path& folder) {
  const ClusterTree tree = load_tree(tree_h5);
  MinedTransitions mined = mine_piece(options, data_h5, tree.planning(), folder, 0, 1);
  return write_sets(options, rows_of(mined), tree.planning(), folder);
}

void curate_piece(const CurateOptions& options, const fs::path& data_h5, const fs::path& tree_h5,
                  const fs::path& folder, int64_t piece, int64_t pieces) {
  MinedTransitions mined =
      mine_piece(options, data_h5, load_tree(tree_h5).planning(), folder, piece, pieces);
  const CuratedRows rows = rows_of(mined);
  write_hdf5(piece_path(folder, piece), [&](Hdf5File& file) {
    write_transitions(file, options.context_size, rows.all, rows.dev, rows.test);
    file.write(kUserCounts, std::vector<int64_t>(rows.users.begin(), rows.users.end()));
  });
}

nlohmann::json merge_pieces(const CurateOptions& options, const fs::path& tree_h5,
                            const fs::path& folder, int64_t pieces) {
  const ClusterTree tree = load_tree(tree_h5);
  const TreeLevel& level = tree.planning();
  const auto counter = make_transition_counter(options.context_size, level.cluster_count(),
                                               memory_bytes(options), folder);
  CuratedRows rows;
  std::vector<HeldOutSource> dev, test;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const fs::path path = piece_path(folder, piece);
    counter->add_sorted(read_transitions(path));
    dev.push_back(read_held_out(path, "/dev"));
    test.push_back(read_held_out(path, "/test"));
    const std::vector<int64_t> users = Hdf5File::open(path).read<int64_t>(kUserCounts);
    for (size_t split = 0; split < rows.users.size(); ++split) rows.users[split] += users.at(split);
  }
  rows.all = [&](TransitionSet& block) { return counter->next(block); };
  rows.dev = joined(std::move(dev));
  rows.test = joined(std::move(test));
  return write_sets(options, rows, level, folder);
}

}  // namespace serendip
