// `recommend compare` and `recommend value`: the run's recommender beside other policies.
#include <fmt/ranges.h>

#include <filesystem>

#include "base/check.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/interests.h"
#include "cli/policy_folders.h"
#include "cli/text.h"
#include "recsys/policy_comparison.h"
#include "recsys/policy_folder.h"

namespace serendip {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

struct Arguments {
  std::vector<std::string> folders;
  InterestChoice choice;
  double weight_cap = 20.0;
};

std::string decimals(const Json& value) { return fmt::format("{:.4f}", value.get<double>()); }

std::string with_interval(const Json& estimate, const char* middle) {
  return fmt::format("{} [{}, {}]", decimals(estimate.at(middle)), decimals(estimate.at("low")),
                     decimals(estimate.at("high")));
}

std::string comparison_lines(const Json& rows) {
  std::vector<std::vector<std::string>> cells = {{"policy", "NDCG@10", "HR@10", "MRR",
                                                  "coverage@10", "novelty@10", "NDCG@10 novel",
                                                  "NDCG@10 minus the first's"}};
  bool lists = false;
  for (const Json& row : rows) {
    lists |= !row.at("ranking").get<bool>();
    cells.push_back({row.at("name").get<std::string>() + (row.at("ranking") ? "" : " *"),
                     decimals(row.at("ndcg_at_10")), decimals(row.at("hr_at_10")),
                     decimals(row.at("mrr")), decimals(row.at("coverage_at_10")),
                     decimals(row.at("novelty_at_10")), decimals(row.at("novel").at("ndcg_at_10")),
                     with_interval(row.at("ndcg_at_10_minus_first"), "mean")});
  }
  return align_columns(cells, true) +
         fmt::format("{} held-out events, {} of them in a cluster new to their user\n",
                     value_text(rows.front().at("users")),
                     value_text(rows.front().at("novel").at("users"))) +
         (lists ? "* of the first 20 items recommended, the others of all unseen items\n" : "");
}

std::string value_lines(const Json& result) {
  std::vector<std::vector<std::string>> cells = {{"policy", "importance sampling",
                                                  "self-normalised", "doubly robust",
                                                  "effective events", "clipped"}};
  for (const Json& row : result.at("policies"))
    cells.push_back({row.at("name").get<std::string>(),
                     with_interval(row.at("importance"), "value"),
                     with_interval(row.at("self_normalised"), "value"),
                     with_interval(row.at("doubly_robust"), "value"),
                     fmt::format("{:.1f}", row.at("effective_sample_size").get<double>()),
                     fmt::format("{:.1f}%", 100.0 * row.at("clipped_share").get<double>())});
  return align_columns(cells, true) +
         fmt::format("{} events of {} users brought {} each\n", value_text(result.at("events")),
                     value_text(result.at("users")), decimals(result.at("logged")));
}

// The run's recommender and the folders, each by its name.
std::vector<ComparedPolicy> named_policies(const Recipe& recipe, const Arguments& arguments) {
  SERENDIP_CHECK(fs::exists(recipe.recommender()),
                 "no folder '{}'; `serendip recommend train` makes it",
                 recipe.recommender().string());
  std::vector<ComparedPolicy> policies = {{"recommender", recipe.recommender()}};
  for (const std::string& folder : arguments.folders) {
    check_policy_folder(folder);
    policies.push_back({folder, folder});
  }
  return policies;
}

void compare(const Recipe& recipe, const Arguments& arguments, bool json) {
  std::vector<ComparedPolicy> policies = named_policies(recipe, arguments);
  const ClusterTree tree = load_tree(recipe.tree());
  std::optional<InterestLookup> lookup;
  if (fs::exists(recipe.table())) {
    lookup.emplace(load_interests(recipe, tree));
    InterestChoice choice = arguments.choice;
    choice.seed = recipe.recommend.seed;
    const ClustersFor clusters = clusters_for(*lookup, choice);
    for (ComparedPolicy& policy : policies)
      if (needs_clusters(policy.folder)) policy.clusters = clusters;
    policies.insert(policies.begin() + 1,
                    {"recommender, in the table's interest", recipe.recommender(), clusters});
  }
  const Json rows = compare_policies(recipe.recommend, recipe.data(), recipe.tree(), policies);
  write_file(recipe.folder() / "comparison.json", rows.dump(1) + "\n");
  print(json ? rows.dump(1) + "\n" : comparison_lines(rows));
}

void value(const Recipe& recipe, const Arguments& arguments, bool json) {
  const Json result =
      value_policies(recipe.recommend, recipe.data(), recipe.tree(), recipe.recommender(),
                     named_policies(recipe, arguments), arguments.weight_cap);
  print(json ? result.dump(1) + "\n" : value_lines(result));
}

}  // namespace

void add_recommend_compare(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("compare", "The recommender beside other policies: comparison.json");
  const auto recipe_arguments = add_recipe_arguments(command, {"recommend", "curate"});
  const auto arguments = std::make_shared<Arguments>();
  add_policy_folders(command, arguments->folders);
  add_interest_choice(command, arguments->choice);
  command.callback([recipe_arguments, arguments] {
    compare(*recipe_arguments->load(), *arguments, recipe_arguments->json);
  });
}

void add_recommend_value(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("value", "What policies would have earned, by off-policy estimates");
  const auto recipe_arguments = add_recipe_arguments(command, {"recommend"});
  const auto arguments = std::make_shared<Arguments>();
  add_policy_folders(command, arguments->folders);
  command
      .add_option("--weight-cap", arguments->weight_cap,
                  "most that an event counts: less variance, more bias [20]")
      ->type_name("FLOAT")
      ->check(CLI::PositiveNumber);
  command.callback([recipe_arguments, arguments] {
    value(*recipe_arguments->load(), *arguments, recipe_arguments->json);
  });
}

}  // namespace serendip
