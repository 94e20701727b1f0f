// How a log's tails, sessions and drift look, to hold an invented one beside a real one.
#pragma once

#include <nlohmann/json.hpp>

#include "data/dataset.h"

namespace serendip {

// {"users", "items" (with events), "events",
//  "item_gini", "top_1_percent_items", "top_10_percent_items" (shares of the events),
//  "user_gini", "user_median", "user_90_over_median" (events),
//  "session_mean", "session_median", "session_90" (events; a session ends after 30 idle minutes),
//  "sessions_a_user", "repeated" (share of the events whose item the user had before),
//  "drift", "drift_by_chance" (1 - cosine of the items' counts in the earlier and the later half of
//  the events, and in two halves drawn at random)}. Throws Error for a log without events.
nlohmann::json log_facts(const Dataset& data);

}  // namespace serendip
