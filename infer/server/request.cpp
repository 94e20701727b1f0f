#include "infer/server/request.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "infer/server/problem.h"

namespace serendip::server {
namespace {

using Json = nlohmann::json;

constexpr int kMaxDepth = 5;  // {"requests": [{"history": [{"item": …}]}]}
constexpr int64_t kMaxIdLength =
    256;  // code points of an item's or a user's id, as JSON Schema counts
constexpr size_t kShownBytes = 60;                           // of a value in a message
constexpr int64_t kMaxSafeInteger = (int64_t{1} << 53) - 1;  // exact in every JSON reader
constexpr double kMaxQuality = 1e6;

std::string shown(const Json& value) {
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  if (value.is_object()) return "an object";
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "…";
  return text;
}

// Of text that the JSON reader has found to be UTF-8.
int64_t code_points(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; });
}

// Refuses nesting, long arrays and repeated fields while the text is read, before they cost memory
// and time.
class JsonGuard {
 public:
  explicit JsonGuard(const RequestLimits& limits)
      : max_elements_(std::max(limits.max_history, limits.max_batch)) {}

  bool operator()(int /*depth*/, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    const bool starts = event == Event::object_start || event == Event::array_start;
    if ((starts || event == Event::value) && !open_.empty() && open_.back().is_array &&
        ++open_.back().elements > max_elements_)
      refuse(400, "body: expected arrays of at most {}, got more", max_elements_);
    if (starts) {
      open_.push_back({event == Event::array_start, 0, {}});
      if (open_.size() > kMaxDepth)
        refuse(400, "body: expected nesting of at most {}, got more", kMaxDepth);
    }
    if (event == Event::key && !open_.back().fields.insert(parsed.get<std::string>()).second)
      refuse(400, "body: field {}: expected once, got it again", shown(parsed));
    if (event == Event::object_end || event == Event::array_end) open_.pop_back();
    return true;
  }

 private:
  struct Container {
    bool is_array;
    int64_t elements;
    std::set<std::string> fields;
  };

  int64_t max_elements_;
  std::vector<Container> open_;
};

Json parse_object(std::string_view body, const RequestLimits& limits) {
  try {
    Json value = Json::parse(body, [guard = JsonGuard(limits)](int depth, Json::parse_event_t event,
                                                               Json& parsed) mutable {
      return guard(depth, event, parsed);
    });
    if (!value.is_object()) refuse(400, "body: expected an object, got {}", shown(value));
    return value;
  } catch (const Json::exception& error) {
    const std::string_view message = error.what();  // "[json.exception.…] parse error at …"
    refuse(400, "body: expected JSON: {}", message.substr(message.find("] ") + 2));
  }
}

// One object of the request: each field is asked for once, what nobody asked for is refused.
class Fields {
 public:
  Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) refuse(400, "{}: expected an object, got {}", where_, shown(object));
  }

  const Json* find(const char* name) {
    asked_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  const Json& need(const char* name) {
    const Json* value = find(name);
    if (value == nullptr) refuse(400, "{}: expected, got none", path(name));
    return *value;
  }
  std::string id(const Json& value, const char* name) const {
    const auto* text = value.get_ptr<const std::string*>();
    if (text == nullptr || text->empty() || code_points(*text) > kMaxIdLength)
      refuse(400, "{}: expected a string of 1 to {} characters, got {}", path(name), kMaxIdLength,
             shown(value));
    return *text;
  }
  int64_t integer(const Json& value, const char* name, int64_t low, int64_t high) const {
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) &&
                      low <= value.get<int64_t>() && value.get<int64_t>() <= high;
    if (!fits)
      refuse(400, "{}: expected a whole number from {} to {}, got {}", path(name), low, high,
             shown(value));
    return value.get<int64_t>();
  }
  double number(const Json& value, const char* name, double low, double high) const {
    if (!value.is_number() || !(low <= value.get<double>() && value.get<double>() <= high))
      refuse(400, "{}: expected a number from {} to {}, got {}", path(name), low, high,
             shown(value));
    return value.get<double>();
  }
  bool boolean(const Json& value, const char* name) const {
    if (!value.is_boolean())
      refuse(400, "{}: expected true or false, got {}", path(name), shown(value));
    return value.get<bool>();
  }
  const Json& array(const Json& value, const char* name, int64_t low, int64_t high) const {
    const auto size = static_cast<int64_t>(value.size());
    if (!value.is_array() || size < low || size > high)
      refuse(400, "{}: expected an array of {} to {}, got {}", path(name), low, high, shown(value));
    return value;
  }
  void refuse_others() const {
    for (const auto& [name, value] : object_.items())
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end())
        refuse(400, "{}: unknown field", path(shown(name)));
  }

 private:
  std::string path(const std::string& name) const { return where_ + "." + name; }

  const Json& object_;
  std::string where_;
  std::vector<std::string> asked_;
};

RequestEvent read_event(const Json& object, const std::string& where) {
  Fields fields(object, where);
  RequestEvent event;
  event.item = fields.id(fields.need("item"), "item");
  event.time = fields.integer(fields.need("time"), "time", -kMaxSafeInteger, kMaxSafeInteger);
  if (const Json* quality = fields.find("quality"))
    event.quality = fields.number(*quality, "quality", -kMaxQuality, kMaxQuality);
  fields.refuse_others();
  return event;
}

RecommendRequest read_recommend(const Json& object, const std::string& where,
                                const RequestLimits& limits) {
  Fields fields(object, where);
  RecommendRequest request;
  const Json* user = fields.find("user");
  const Json* history = fields.find("history");
  if ((user == nullptr) == (history == nullptr))
    refuse(400, "{}: expected either user or history, got {}", where, user ? "both" : "neither");
  if (user) request.user = fields.id(*user, "user");
  if (history)
    for (const Json& event : fields.array(*history, "history", 0, limits.max_history))
      request.history.push_back(
          read_event(event, fmt::format("{}.history[{}]", where, request.history.size())));
  if (const Json* value = fields.find("k"))
    request.items = fields.integer(*value, "k", 1, limits.max_items);
  if (const Json* value = fields.find("interests"))
    request.interests = fields.integer(*value, "interests", 1, limits.max_interests);
  if (const Json* value = fields.find("seed"))
    request.seed = fields.integer(*value, "seed", 0, kMaxSafeInteger);
  if (const Json* value = fields.find("now"))
    request.now = fields.integer(*value, "now", -kMaxSafeInteger, kMaxSafeInteger);
  if (const Json* value = fields.find("explain"))
    request.explain = fields.boolean(*value, "explain");
  fields.refuse_others();
  return request;
}

std::vector<int32_t> read_context(std::string_view text) {
  std::vector<int32_t> context;
  while (true) {
    const size_t comma = text.find(',');
    const std::optional<int32_t> cluster = parse_index(text.substr(0, comma));
    if (!cluster || context.size() == 64)
      refuse(400, "context: expected cluster numbers between commas, got {}",
             shown(std::string(text)));
    context.push_back(*cluster);
    if (comma == std::string_view::npos) return context;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::optional<int32_t> parse_index(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.front() == '-') return {};
  return value;
}

RecommendRequest parse_recommend(std::string_view body, const RequestLimits& limits) {
  return read_recommend(parse_object(body, limits), "body", limits);
}

std::vector<RecommendRequest> parse_recommend_batch(std::string_view body,
                                                    const RequestLimits& limits) {
  const Json object = parse_object(body, limits);
  Fields fields(object, "body");
  std::vector<RecommendRequest> requests;
  for (const Json& one : fields.array(fields.need("requests"), "requests", 1, limits.max_batch))
    requests.push_back(
        read_recommend(one, fmt::format("body.requests[{}]", requests.size()), limits));
  fields.refuse_others();
  return requests;
}

InterestsRequest parse_interests(std::string_view query, const RequestLimits& limits) {
  InterestsRequest request;
  std::set<std::string_view> given;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    const std::string_view value = pair.substr(std::min(pair.size(), name.size() + 1));
    if (!given.insert(name).second)
      refuse(400, "{}: expected once, got it again", shown(std::string(name)));
    if (name == "context") {
      request.context = read_context(value);
    } else if (name == "k") {
      const std::optional<int32_t> labels = parse_index(value);
      if (!labels || *labels < 1 || *labels > limits.max_items)
        refuse(400, "k: expected a whole number from 1 to {}, got {}", limits.max_items,
               shown(std::string(value)));
      request.labels = *labels;
    } else {
      refuse(400, "query: expected context and k, got {}", shown(std::string(name)));
    }
  }
  if (request.context.empty()) refuse(400, "context: expected cluster numbers, got none");
  return request;
}

}  // namespace serendip::server
