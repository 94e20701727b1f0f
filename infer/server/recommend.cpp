#include "infer/server/recommend.h"

#include <algorithm>
#include <unordered_set>

#include "infer/server/lookups.h"

namespace serendip::server {
namespace {

using Json = nlohmann::ordered_json;

// The request's events whose items are known, in order of time, equal times as given.
History known_history(const Catalogue& catalogue, const RecommendRequest& request,
                      float default_reward, int64_t& unknown) {
  std::vector<std::pair<const RequestEvent*, int32_t>> events;
  for (const RequestEvent& event : request.history) {
    const std::optional<int32_t> item = catalogue.find_item(event.item);
    if (item)
      events.emplace_back(&event, *item);
    else
      ++unknown;
  }
  std::stable_sort(events.begin(), events.end(), [](const auto& left, const auto& right) {
    return left.first->time < right.first->time;
  });
  History history;
  for (const auto& [event, item] : events) {
    history.item.push_back(item);
    history.time.push_back(event->time);
    history.reward.push_back(event->quality ? static_cast<float>(*event->quality) : default_reward);
  }
  return history;
}

void read_history(const Snapshot& snapshot, const RecommendRequest& request, Plan& plan) {
  if (request.user) {
    const std::optional<int32_t> user = snapshot.catalogue.find_user(*request.user);
    if (user) plan.history = snapshot.catalogue.history(*user);
    if (!user) plan.fallbacks.push_back(Fallback::kUnknownUser);
  } else {
    plan.history = known_history(snapshot.catalogue, request, snapshot.rule.positive_reward,
                                 plan.unknown_items);
    if (plan.unknown_items > 0) plan.fallbacks.push_back(Fallback::kUnknownItems);
  }
  if (plan.history.item.empty()) plan.fallbacks.push_back(Fallback::kEmptyHistory);
}

bool has_repeats(std::vector<int32_t> clusters) {
  std::sort(clusters.begin(), clusters.end());
  return std::adjacent_find(clusters.begin(), clusters.end()) != clusters.end();
}

// Sets the context whose row is read, and returns the row.
std::optional<int64_t> find_row(const Snapshot& snapshot, const std::vector<int32_t>& cluster,
                                int64_t window, Plan& plan) {
  Random random(static_cast<uint64_t>(plan.seed));
  plan.sample = sample_context(plan.history, cluster, snapshot.rule, window, plan.now, random);
  if (!plan.sample) {
    if (!cluster.empty()) plan.fallbacks.push_back(Fallback::kNoPositiveItem);
    return std::nullopt;
  }
  if (plan.sample->window_moved) plan.fallbacks.push_back(Fallback::kWindowMoved);
  if (has_repeats(plan.sample->context)) plan.fallbacks.push_back(Fallback::kRepeatedInterest);
  plan.context = plan.sample->context;
  std::optional<int64_t> row = snapshot.table.find(plan.context);
  if (!row) {
    plan.fallbacks.push_back(Fallback::kContextNotInTable);
    plan.context = latest_context(cluster, plan.history.reward, snapshot.rule);
    row = snapshot.table.find(plan.context);
    if (!row) plan.context.clear();
  }
  return row;
}

// The row's first labels that are novel to the user, then interests by traffic.
void choose_interests(const Snapshot& snapshot, const std::vector<int32_t>& cluster,
                      std::optional<int64_t> row, size_t wanted, Plan& plan) {
  std::unordered_set<int32_t> known = known_clusters(cluster, plan.context, snapshot.rule.novelty);
  for (int64_t rank = 0; row && plan.interests.size() < wanted; ++rank) {
    const std::optional<TableEntry> entry = snapshot.table.entry(*row, rank);
    if (!entry) break;
    if (known.insert(entry->label).second)
      plan.interests.push_back({entry->label, entry});
    else
      plan.skipped.push_back(*entry);
  }
  if (plan.interests.size() == wanted) return;
  const size_t of_the_row = plan.interests.size();
  for (const int32_t popular : snapshot.catalogue.popular_clusters()) {
    if (plan.interests.size() == wanted) break;
    if (known.insert(popular).second) plan.interests.push_back({popular, std::nullopt});
  }
  if (plan.interests.size() > of_the_row) plan.fallbacks.push_back(Fallback::kPopularInterests);
  if (plan.interests.size() < wanted) plan.fallbacks.push_back(Fallback::kNoNovelInterest);
}

std::vector<Recommendation> most_popular(const Catalogue& catalogue, int32_t cluster,
                                         int64_t count) {
  std::vector<Recommendation> result;
  for (const int32_t item : catalogue.popular_items(cluster)) {
    if (static_cast<int64_t>(result.size()) == count) break;
    result.push_back({item, 0.0});
  }
  return result;
}

Json described_interest(const Snapshot& snapshot, const ChosenInterest& interest) {
  Json shown = described_cluster(snapshot.catalogue, interest.cluster);
  shown["source"] = interest.entry ? "table" : "traffic";
  if (interest.entry) shown.update(entry_probabilities(*interest.entry));
  return shown;
}

Json explanation(const Snapshot& snapshot, const Plan& plan) {
  Json sampled = Json::array(), skipped = Json::array();
  if (plan.sample)
    for (const size_t event : plan.sample->events) {
      const int32_t item = plan.history.item[event];
      sampled.push_back({{"item", snapshot.catalogue.item_id(item)},
                         {"title", snapshot.catalogue.item_title(item)},
                         {"time", plan.history.time[event]},
                         {"quality", plan.history.reward[event]},
                         {"cluster", snapshot.catalogue.cluster_of(item)}});
    }
  for (const TableEntry& entry : plan.skipped) {
    skipped.push_back(described_cluster(snapshot.catalogue, entry.label));
    skipped.back().update(entry_probabilities(entry));
  }
  return {{"known_items", plan.history.item.size()},
          {"unknown_items", plan.unknown_items},
          {"sampled", std::move(sampled)},
          {"skipped", std::move(skipped)}};
}

}  // namespace

const char* fallback_name(Fallback fallback) {
  static constexpr const char* kNames[kFallbacks] = {
      "unknown_user",      "unknown_items",     "empty_history",        "no_positive_item",
      "window_moved",      "repeated_interest", "context_not_in_table", "popular_interests",
      "no_novel_interest", "popular_items",     "fewer_items"};
  return kNames[static_cast<int>(fallback)];
}

Plan plan_recommendation(const Snapshot& snapshot, const RecommendRequest& request,
                         int64_t window) {
  Plan plan;
  plan.seed = request.seed.value();
  plan.now = request.now.value();
  plan.items = request.items;
  plan.explain = request.explain;
  read_history(snapshot, request, plan);
  std::vector<int32_t> cluster;
  for (const int32_t item : plan.history.item)
    cluster.push_back(snapshot.catalogue.cluster_of(item));
  const std::optional<int64_t> row = find_row(snapshot, cluster, window, plan);
  choose_interests(snapshot, cluster, row, static_cast<size_t>(request.interests), plan);
  return plan;
}

bool needs_model(const Plan& plan) { return !plan.history.item.empty() && !plan.interests.empty(); }

Recommender::ClusterRequest model_request(const Plan& plan) {
  Recommender::ClusterRequest request{plan.history, {}, plan.items};
  if (!needs_model(plan)) return request;
  for (const ChosenInterest& interest : plan.interests)
    request.clusters.push_back(interest.cluster);
  return request;
}

nlohmann::ordered_json recommendation_answer(
    const Snapshot& snapshot, Plan& plan, const std::vector<std::vector<Recommendation>>& lists) {
  const Catalogue& catalogue = snapshot.catalogue;
  const bool by_model = !plan.history.item.empty();
  bool fewer = false;
  Json interests = Json::array();
  for (size_t at = 0; at < plan.interests.size(); ++at) {
    const ChosenInterest& interest = plan.interests[at];
    const std::vector<Recommendation> list =
        by_model ? lists.at(at) : most_popular(catalogue, interest.cluster, plan.items);
    fewer = fewer || static_cast<int64_t>(list.size()) < plan.items;
    Json items = Json::array();
    for (const auto& [item, log_prob] : list) {
      items.push_back({{"item", catalogue.item_id(item)}, {"title", catalogue.item_title(item)}});
      if (by_model) items.back()["log_prob"] = log_prob;
    }
    interests.push_back(described_interest(snapshot, interest));
    interests.back()["items"] = std::move(items);
  }
  if (!by_model) plan.fallbacks.push_back(Fallback::kPopularItems);
  if (fewer) plan.fallbacks.push_back(Fallback::kFewerItems);

  Json context = Json::array(), fallbacks = Json::array();
  for (const int32_t cluster : plan.context)
    context.push_back(described_cluster(catalogue, cluster));
  for (const Fallback fallback : plan.fallbacks) fallbacks.push_back(fallback_name(fallback));
  Json answer = {{"version", snapshot.version},
                 {"seed", plan.seed},
                 {"now", plan.now},
                 {"context", std::move(context)},
                 {"interests", std::move(interests)},
                 {"fallbacks", std::move(fallbacks)}};
  if (plan.explain) answer["explanation"] = explanation(snapshot, plan);
  return answer;
}

}  // namespace serendip::server
