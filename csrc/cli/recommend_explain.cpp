// `recommend explain USER`: from a user's history to items, step by step, and what other policies
// would show.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/check.h"
#include "cli/command.h"
#include "cli/interests.h"
#include "cli/policy_folders.h"
#include "cli/text.h"
#include "recsys/keyword_policy.h"
#include "recsys/policy_folder.h"
#include "recsys/simple_policies.h"
#include "recsys/user_history.h"

namespace serendip {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

constexpr int64_t kHistoryShown = 10, kItems = 10, kBaselineItems = 5;

struct Arguments {
  std::string user;
  std::vector<std::string> folders;
  InterestChoice choice;
};

// What an explanation is made from.
struct Explained {
  const Dataset& data;
  const ClusterTree& tree;
  History history;

  Json item(int32_t index) const {
    const auto at = static_cast<size_t>(index);
    const int32_t cluster = tree.planning().assignment[at];
    return {{"item", data.item_id[at]},
            {"title", data.item_title[at]},
            {"cluster", cluster},
            {"interest", tree.planning().description[static_cast<size_t>(cluster)]}};
  }
  Json items(const std::vector<Recommendation>& shown) const {
    Json result = Json::array();
    for (const auto& [index, log_prob] : shown) {
      result.push_back(item(index));
      result.back()["log_prob"] = log_prob;
    }
    return result;
  }
  Json cluster(int32_t index) const {
    return {{"cluster", index},
            {"description", tree.planning().description[static_cast<size_t>(index)]}};
  }
};

Json history_json(const Explained& of) {
  Json result = Json::array();
  const size_t count = of.history.item.size();
  for (size_t at = count - std::min<size_t>(count, kHistoryShown); at < count; ++at) {
    result.push_back(of.item(of.history.item[at]));
    result.back()["reward"] = of.history.reward[at];
    result.back()["time"] = of.history.time[at];
  }
  return result;
}

Json row_json(const Explained& of, const InterestLookup& lookup, const InterestRow& row) {
  Json result = Json::array();
  const PairTable& table = lookup.table();
  for (const TableLabel& label : row.labels) {
    result.push_back(of.cluster(label.label));
    result.back().update({{"log_prob", table.log_prob[label.entry]},
                          {"probability_low", table.probability_low[label.entry]},
                          {"probability_high", table.probability_high[label.entry]},
                          {"known", label.known}});
  }
  return result;
}

// Other ways to choose, which know nothing of the table unless they are given its interest.
Json baselines_json(const Explained& of, const Arguments& arguments,
                    const std::vector<int32_t>& clusters) {
  Json result = Json::array();
  const auto add = [&](const std::string& name, const Policy& policy,
                       const std::vector<int32_t>& wanted) {
    result.push_back({{"policy", name},
                      {"items", of.items(policy.recommend({of.history, wanted, kBaselineItems}))}});
  };
  for (const std::string& folder : arguments.folders) {
    check_policy_folder(folder);
    if (needs_clusters(folder) && clusters.empty()) continue;
    add(folder, *load_policy(folder, of.tree, of.data),
        needs_clusters(folder) ? clusters : std::vector<int32_t>{});
  }
  if (!clusters.empty())
    add("keyword search for the new interest",
        KeywordPolicy(of.tree, of.data.item_title, of.data.item_text), clusters);
  std::vector<int64_t> count(of.data.item_id.size());
  for (const int32_t item : of.data.event_item) ++count[static_cast<size_t>(item)];
  add("popularity", PopularityPolicy(of.tree, count), {});
  add("chance", RandomPolicy(of.tree, static_cast<uint64_t>(arguments.choice.seed)), {});
  return result;
}

Json explain(const Recipe& recipe, const Arguments& arguments) {
  const Dataset data = load_dataset(recipe.data(), /*with_embedding=*/false);
  const ClusterTree tree = load_tree(recipe.tree());
  const auto user = std::find(data.user_id.begin(), data.user_id.end(), arguments.user);
  SERENDIP_CHECK(user != data.user_id.end(), "{}: expected the id of one of {} users, got '{}'",
                 recipe.data().string(), data.user_count(), arguments.user);
  const Explained of{data, tree, history_of(data, user - data.user_id.begin())};
  const std::unique_ptr<Policy> policy = load_policy(recipe.recommender(), tree, data);

  Json result = {{"user", *user}, {"events", of.history.item.size()}};
  result["history"] = history_json(of);
  std::vector<int32_t> clusters;
  if (fs::exists(recipe.table())) {
    const InterestLookup lookup = load_interests(recipe, tree);
    const InterestRow row = lookup.row(of.history);
    result["context"] = Json::array();
    for (const int32_t cluster : row.context) result["context"].push_back(of.cluster(cluster));
    result["row"] = row_json(of, lookup, row);
    clusters = clusters_for(lookup, arguments.choice)(of.history);
    result["interests"] = Json::array();
    for (const int32_t cluster : clusters) result["interests"].push_back(of.cluster(cluster));
    if (!clusters.empty())
      result["items"] = of.items(policy->recommend({of.history, clusters, kItems}));
  }
  if (!needs_clusters(recipe.recommender()))
    result["unrestricted"] = of.items(policy->recommend({of.history, {}, kItems}));
  result["baselines"] = baselines_json(of, arguments, clusters);
  return result;
}

std::string text_of(const Json& value) { return value.get<std::string>(); }

std::string items_text(const char* heading, const Json& items) {
  std::vector<std::vector<std::string>> cells;
  for (const Json& item : items)
    cells.push_back({"  " + text_of(item.at("title")), text_of(item.at("interest")),
                     fmt::format("{:.2f}", item.at("log_prob").get<double>())});
  return fmt::format("\n{}\n{}", heading, align_columns(cells, false));
}

std::string row_text(const Json& row) {
  std::vector<std::vector<std::string>> cells;
  for (const Json& label : row)
    cells.push_back({"  " + text_of(label.at("description")),
                     fmt::format("{:.2f}", label.at("log_prob").get<double>()),
                     label.at("known") ? "known to the user" : ""});
  return align_columns(cells, false);
}

std::string explanation_text(const Json& result) {
  std::string text =
      fmt::format("user {}: {} events\n\nhistory, the last {}\n", text_of(result.at("user")),
                  value_text(result.at("events")), result.at("history").size());
  std::vector<std::vector<std::string>> cells;
  for (const Json& event : result.at("history"))
    cells.push_back({"  " + text_of(event.at("title")), text_of(event.at("interest")),
                     "reward " + value_text(event.at("reward"))});
  text += align_columns(cells, false);
  if (result.contains("context")) {
    std::vector<std::string> context;
    for (const Json& cluster : result.at("context"))
      context.push_back(text_of(cluster.at("description")));
    text += context.empty() ? "\ncontext\n  none: too few interests so far\n"
                            : fmt::format("\ncontext\n  {}\n", fmt::join(context, "  →  "));
    text += "\nthe table's row, best first (log-probability)\n";
    text += result.at("row").empty() ? "  none\n" : row_text(result.at("row"));
    for (const Json& interest : result.at("interests"))
      text += fmt::format("\nnew interest\n  {}\n", text_of(interest.at("description")));
  }
  if (result.contains("items")) text += items_text("items of the new interest", result.at("items"));
  if (result.contains("unrestricted"))
    text += items_text("without the table", result.at("unrestricted"));
  for (const Json& baseline : result.at("baselines"))
    text += items_text(text_of(baseline.at("policy")).c_str(), baseline.at("items"));
  return text;
}

}  // namespace

void add_recommend_explain(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "explain", "A user's way from history to items, and what others would show");
  const auto recipe_arguments = add_recipe_arguments(command, {"recommend", "curate"});
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("--user", arguments->user, "id of the user, as in the events")->required();
  add_policy_folders(command, arguments->folders);
  add_interest_choice(command, arguments->choice);
  command.callback([recipe_arguments, arguments] {
    const std::unique_ptr<Recipe> recipe = recipe_arguments->load();
    arguments->choice.seed = recipe->recommend.seed;
    const Json result = explain(*recipe, *arguments);
    print(recipe_arguments->json ? result.dump(1) + "\n" : explanation_text(result));
  });
}

}  // namespace serendip
