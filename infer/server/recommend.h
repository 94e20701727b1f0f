// From a request to its answer: history → context → novel interests → items.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "infer/server/context_sampling.h"
#include "infer/server/request.h"
#include "infer/server/snapshot.h"

namespace serendip::server {

// What an answer did where the ordinary way was closed; docs/serving.md has the rules.
enum class Fallback {
  kUnknownUser,        // user: not in the dataset; an empty history
  kUnknownItems,       // history: items that are not in the catalogue; left out
  kEmptyHistory,       // no known item
  kNoPositiveItem,     // history, but nothing in it is positive: no context
  kWindowMoved,        // nothing positive lately: the window before the latest that is
  kRepeatedInterest,   // fewer than K distinct interests: one of them again
  kContextNotInTable,  // the K most recent distinct interests in place of the sampled ones
  kPopularInterests,   // no or too few novel labels in the row: novel interests by traffic
  kNoNovelInterest,    // the user knows every interest: fewer than asked for
  kPopularItems,       // no history for the model: an interest's items by traffic
  kFewerItems,         // an interest has fewer unseen items than asked for
};
constexpr int kFallbacks = 11;
const char* fallback_name(Fallback fallback);  // "unknown_user", …

struct ChosenInterest {
  int32_t cluster;
  std::optional<TableEntry> entry;  // nothing where it was chosen by traffic
};

// All of an answer but the items.
struct Plan {
  int64_t seed = 0, now = 0, items = 0;
  bool explain = false;
  History history;  // known items, in order of time
  int64_t unknown_items = 0;
  std::optional<ContextSample> sample;
  std::vector<int32_t> context;     // whose row was read; empty where there is none
  std::vector<TableEntry> skipped;  // labels of the row that are not novel to the user
  std::vector<ChosenInterest> interests;
  std::vector<Fallback> fallbacks;
};

// The request must have seed and now. window in seconds.
Plan plan_recommendation(const Snapshot& snapshot, const RecommendRequest& request, int64_t window);

// Whether the sequence model ranks a plan's items; without a history their traffic does.
bool needs_model(const Plan& plan);

// What it has to rank; no clusters where the plan needs no model.
Recommender::ClusterRequest model_request(const Plan& plan);

// The JSON answer; `lists` is what the model made of model_request, one for each interest, or
// nothing. Adds the fallbacks of the items to the plan.
nlohmann::ordered_json recommendation_answer(const Snapshot& snapshot, Plan& plan,
                                             const std::vector<std::vector<Recommendation>>& lists);

}  // namespace serendip::server
