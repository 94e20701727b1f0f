#include "simulator/interests.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <tuple>

#include "simulator/draws.h"

namespace serendip {
namespace {

std::vector<int32_t> context_of(const Diversion& diversion, const ArmUser& user) {
  std::vector<int32_t> cluster;
  for (const int32_t item : user.liked.item)
    cluster.push_back(diversion.cluster()[static_cast<size_t>(item)]);
  return latest_context(cluster, user.liked.reward, diversion.rule);
}

struct Candidate {
  int32_t topic;
  double weight;
};

std::optional<int32_t> related_interest(const Diversion& diversion, const ArmUser& user,
                                        Random& random) {
  std::vector<Candidate> candidates;
  for (const int32_t cluster : context_of(diversion, user))
    for (const RelatedTopic& link :
         diversion.world.related.of(diversion.main_topic[static_cast<size_t>(cluster)])) {
      const int32_t home = diversion.home[static_cast<size_t>(link.topic)];
      if (!user.met[static_cast<size_t>(home)]) candidates.push_back({link.topic, link.weight});
    }
  const int32_t topic = draw_topic_by(
      candidates, [](const Candidate& it) { return it.weight; }, random);
  if (topic < 0) return std::nullopt;
  return diversion.home[static_cast<size_t>(topic)];
}

std::optional<int32_t> any_interest(const ArmUser& user, Random& random) {
  std::vector<int32_t> unmet;
  for (size_t cluster = 0; cluster < user.met.size(); ++cluster)
    if (!user.met[cluster]) unmet.push_back(static_cast<int32_t>(cluster));
  if (unmet.empty()) return std::nullopt;
  return unmet[random.below(unmet.size())];
}

}  // namespace

InterestPlanner stand_in_planner(const Diversion& diversion, double accuracy) {
  return [&diversion, accuracy](const ArmUser& user, Random& random) {
    if (random.uniform() < accuracy)
      if (const auto interest = related_interest(diversion, user, random)) return interest;
    return any_interest(user, random);
  };
}

InterestPlanner label_planner(const Diversion& diversion, LabelsOf labels_of) {
  return [&diversion, labels_of = std::move(labels_of)](const ArmUser& user,
                                                        Random&) -> std::optional<int32_t> {
    const std::vector<int32_t> context = context_of(diversion, user);
    if (context.empty()) return std::nullopt;
    for (const int32_t label : labels_of(context))
      if (!user.met[static_cast<size_t>(label)]) return label;
    return std::nullopt;
  };
}

LabelsOf labels_by_counts(const Diversion& diversion) {
  using Counts = std::vector<int64_t>;  // [M] by label
  struct Tables {
    std::map<std::vector<int32_t>, Counts> whole;
    std::map<int32_t, Counts> last;
    Counts all;
  };
  const auto clusters = static_cast<size_t>(diversion.cluster_count());
  const auto tables = std::make_shared<Tables>();
  tables->all.resize(clusters);
  const TransitionSet& set = diversion.transitions;
  for (int64_t t = 0; t < set.size(); ++t) {
    const int32_t* context = set.context_of(t);
    const auto label = static_cast<size_t>(set.label[static_cast<size_t>(t)]);
    const int64_t count = set.count[static_cast<size_t>(t)];
    for (Counts* counts : {&tables->whole[{context, context + set.context_size}],
                           &tables->last[context[set.context_size - 1]], &tables->all}) {
      counts->resize(clusters);
      (*counts)[label] += count;
    }
  }
  return [tables, clusters](std::span<const int32_t> context) {
    const Counts none(clusters);
    const auto whole = tables->whole.find({context.begin(), context.end()});
    const auto last = tables->last.find(context.back());
    const Counts& by_whole = whole == tables->whole.end() ? none : whole->second;
    const Counts& by_last = last == tables->last.end() ? none : last->second;
    std::vector<int32_t> labels(clusters);
    std::iota(labels.begin(), labels.end(), 0);
    const auto rank = [&](int32_t label) {
      const auto at = static_cast<size_t>(label);
      return std::tuple(-by_whole[at], -by_last[at], -tables->all[at], label);
    };
    std::sort(labels.begin(), labels.end(),
              [&](int32_t a, int32_t b) { return rank(a) < rank(b); });
    return labels;
  };
}

}  // namespace serendip
