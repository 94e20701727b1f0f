#include "cli/recommend_users.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/file.h"
#include "cli/interests.h"
#include "data/split.h"
#include "recsys/policy_folder.h"
#include "recsys/user_history.h"

namespace serendip {
namespace {

constexpr int64_t kUsers = 5, kItems = 5, kHistoryShown = 5;

nlohmann::json describe_items(const std::vector<Recommendation>& items, const Dataset& data) {
  nlohmann::json result = nlohmann::json::array();
  for (const auto& [item, log_prob] : items)
    result.push_back({{"item", data.item_id[static_cast<size_t>(item)]},
                      {"title", data.item_title[static_cast<size_t>(item)]},
                      {"log_prob", log_prob}});
  return result;
}

std::string joined(const nlohmann::json& texts, const char* separator) {
  return fmt::format("{}", fmt::join(texts.get<std::vector<std::string>>(), separator));
}

}  // namespace

nlohmann::json recommend_users(const Recipe& recipe) {
  const Dataset data = load_dataset(recipe.data(), /*with_embedding=*/false);
  const ClusterTree tree = load_tree(recipe.tree());
  const std::vector<std::string>& description = tree.planning().description;
  const InterestLookup lookup = load_interests(recipe, tree);
  const PairTable& table = lookup.table();
  const std::unique_ptr<Policy> policy = load_policy(recipe.recommender(), tree, data);

  nlohmann::json users = nlohmann::json::array();
  for (int64_t user = 0; user < data.user_count() && users.size() < kUsers; ++user) {
    const auto at = static_cast<size_t>(user);
    if (split_of(data.user_id[at]) != Split::kTest) continue;
    const History history = history_of(data, user);
    const InterestRow row = lookup.row(history);
    const std::vector<TableLabel> novel = lookup.best(row, 1);
    if (novel.empty()) continue;
    const auto [label, entry, known] = novel.front();

    nlohmann::json shown = {{"user", data.user_id[at]}};
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(history.item.size()) - kHistoryShown);
    for (auto item = history.item.begin() + first; item != history.item.end(); ++item)
      shown["history"].push_back(data.item_title[static_cast<size_t>(*item)]);
    for (const int32_t cluster : row.context)
      shown["context"].push_back(description[static_cast<size_t>(cluster)]);
    shown["interest"] = {{"cluster", label},
                         {"description", description[static_cast<size_t>(label)]},
                         {"log_prob", table.log_prob[entry]},
                         {"probability_low", table.probability_low[entry]},
                         {"probability_high", table.probability_high[entry]}};
    shown["items"] = describe_items(policy->recommend({history, {label}, kItems}), data);
    users.push_back(std::move(shown));
  }
  nlohmann::json result = {{"users", std::move(users)}};
  write_file(recipe.folder() / "recommendations.json", result.dump(1) + "\n");
  return result;
}

std::string recommendations_text(const nlohmann::json& recommendations) {
  std::string text;
  for (const auto& user : recommendations.value("users", nlohmann::json::array())) {
    const nlohmann::json& interest = user.at("interest");
    text += fmt::format("user {}\n", user.at("user").get<std::string>());
    text += fmt::format("  history       … {}\n", joined(user.at("history"), "; "));
    text += fmt::format("  interests     {}\n", joined(user.at("context"), "  →  "));
    text += fmt::format("  new interest  {}  (log-probability {:.2f})\n",
                        interest.at("description").get<std::string>(),
                        interest.at("log_prob").get<double>());
    for (const auto& item : user.at("items"))
      text += fmt::format("  {:<13} {}\n", item == user.at("items").front() ? "items" : "",
                          item.at("title").get<std::string>());
    text += '\n';
  }
  return text.empty() ? "No held-out user has a label new to them in the table.\n" : text;
}

}  // namespace serendip
