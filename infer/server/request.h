// What clients ask for, read from JSON bodies and query strings that may be hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serendip::server {

// Bounds beside the body's size, which HTTP checks.
struct RequestLimits {
  int64_t max_history = 10'000;  // events of one request
  int64_t max_items = 100;       // k
  int64_t max_interests = 20;
  int64_t max_batch = 64;  // requests of one batch
};

struct RequestEvent {
  std::string item;  // an item's id in the catalogue, or none
  int64_t time = 0;  // seconds since 1970
  std::optional<double> quality = {};
};

struct RecommendRequest {
  std::optional<std::string> user = {};  // a user of the dataset, or none
  std::vector<RequestEvent> history = {};
  int64_t items = 10;  // of each interest; "k" in JSON
  int64_t interests = 1;
  std::optional<int64_t> seed = {};  // of the sampled context
  std::optional<int64_t> now = {};   // seconds since 1970, in place of the server's clock
  bool explain = false;
};

struct InterestsRequest {
  std::vector<int32_t> context;
  int64_t labels = 10;  // "k" in the query
};

// {"history": [{"item", "time", "quality"?}…] or "user", "k"?, "interests"?, "seed"?, "now"?,
// "explain"?}. Throws Problem 400 that names the field, what is expected and what is found: for
// text that is no JSON, nesting beyond what the format needs, an unknown or repeated field, a wrong
// type, a number out of range, more than the limits allow.
RecommendRequest parse_recommend(std::string_view body, const RequestLimits& limits);

// {"requests": [as above…]}, at least one.
std::vector<RecommendRequest> parse_recommend_batch(std::string_view body,
                                                    const RequestLimits& limits);

// context=3,7&k=5
InterestsRequest parse_interests(std::string_view query, const RequestLimits& limits);

// A whole number from 0, in decimal digits alone; nothing for any other text.
std::optional<int32_t> parse_index(std::string_view text);

}  // namespace serendip::server
