#include "cli/interests.h"

namespace serendip {

InterestLookup load_interests(const Recipe& recipe, const ClusterTree& tree) {
  PairTable table = load_pair_table(recipe.table());
  check_descriptions(table, tree.planning().description, recipe.table());
  return {tree, std::move(table), recipe.curate.rule()};
}

void add_interest_choice(CLI::App& command, InterestChoice& choice) {
  command
      .add_option("--interests", choice.count,
                  "new interests of the table's row to search in at once [1]")
      ->type_name("INT")
      ->check(CLI::PositiveNumber);
  command.add_flag("--drawn", choice.drawn,
                   "draw them in proportion to their probability; without, the best");
}

ClustersFor clusters_for(const InterestLookup& lookup, const InterestChoice& choice) {
  return [&lookup, choice](const History& history) {
    const InterestRow row = lookup.row(history);
    Random random(static_cast<uint64_t>(choice.seed), history_key(history));
    std::vector<int32_t> clusters;
    for (const TableLabel& label :
         choice.drawn ? lookup.drawn(row, choice.count, random) : lookup.best(row, choice.count))
      clusters.push_back(label.label);
    return clusters;
  };
}

}  // namespace serendip
