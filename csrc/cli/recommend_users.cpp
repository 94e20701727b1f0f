#include "cli/recommend_users.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/file.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "data/split.h"
#include "infer/pair_table.h"
#include "recsys/recommender.h"
#include "transitions/mine.h"

namespace serendip {
namespace {

constexpr int64_t kUsers = 5, kItems = 5, kHistoryShown = 5;

struct Interest {
  int32_t label;
  size_t entry;  // in the table's arrays
};

// The best label of the context's row, if it has one, that occurs nowhere in the user's history.
std::optional<Interest> novel_interest(const PairTable& table, const std::vector<int32_t>& context,
                                       const std::vector<bool>& seen) {
  const std::optional<int64_t> row = table.contexts.find(context);
  if (!row) return std::nullopt;
  for (int64_t rank = 0; rank < table.k; ++rank) {
    const auto entry = static_cast<size_t>(*row * table.k + rank);
    const int32_t label = table.label[entry];
    if (label >= 0 && label < table.cluster_count() && !seen[static_cast<size_t>(label)])
      return Interest{label, entry};
  }
  return std::nullopt;
}

History history_of(const Dataset& data, size_t user) {
  const int64_t begin = data.user_offset[user], end = data.user_offset[user + 1];
  return {{data.event_item.begin() + begin, data.event_item.begin() + end},
          {data.event_time.begin() + begin, data.event_time.begin() + end},
          {data.event_reward.begin() + begin, data.event_reward.begin() + end}};
}

nlohmann::json describe_items(const std::vector<Recommender::Recommendation>& items,
                              const Dataset& data) {
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
  const Dataset data = load_dataset(recipe.data());
  const ClusterTree tree = load_tree(recipe.tree());
  const TreeLevel& level = tree.planning();
  const PairTable table = load_pair_table(recipe.table());
  check_descriptions(table, level.description, recipe.table());
  MiningRule rule = recipe.curate.rule();
  rule.context_size = table.contexts.context_size();
  const Recommender recommender = Recommender::load(recipe.recommender(), tree);

  nlohmann::json users = nlohmann::json::array();
  for (int64_t user = 0; user < data.user_count() && users.size() < kUsers; ++user) {
    const auto at = static_cast<size_t>(user);
    if (split_of(data.user_id[at]) != Split::kTest) continue;
    const History history = history_of(data, at);
    std::vector<int32_t> clusters;
    std::vector<bool> seen(static_cast<size_t>(table.cluster_count()));
    for (const int32_t item : history.item) {
      clusters.push_back(level.assignment[static_cast<size_t>(item)]);
      seen[static_cast<size_t>(clusters.back())] = true;
    }
    const std::vector<int32_t> context = latest_context(clusters, history.reward, rule);
    if (context.empty()) continue;
    const std::optional<Interest> interest = novel_interest(table, context, seen);
    if (!interest) continue;

    nlohmann::json shown = {{"user", data.user_id[at]}};
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(history.item.size()) - kHistoryShown);
    for (auto item = history.item.begin() + first; item != history.item.end(); ++item)
      shown["history"].push_back(data.item_title[static_cast<size_t>(*item)]);
    for (const int32_t cluster : context)
      shown["context"].push_back(level.description[static_cast<size_t>(cluster)]);
    shown["interest"] = {{"cluster", interest->label},
                         {"description", level.description[static_cast<size_t>(interest->label)]},
                         {"log_prob", table.log_prob[interest->entry]},
                         {"probability_low", table.probability_low[interest->entry]},
                         {"probability_high", table.probability_high[interest->entry]}};
    shown["items"] =
        describe_items(recommender.recommend({history, {interest->label}, kItems}), data);
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
    text += "\n";
  }
  return text.empty() ? "No held-out user has a label new to them in the table.\n" : text;
}

}  // namespace serendip
