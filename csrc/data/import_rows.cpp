#include "data/import_rows.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/log.h"

namespace serendip {
namespace {

constexpr int64_t kSamples = 5;  // bad rows shown

// The whole of `text`, spaces around it aside; none unless it is a finite number.
std::optional<double> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return {};
  return value;
}

}  // namespace

std::pair<int32_t, bool> IdIndex::add(const std::string& id) {
  const auto [entry, is_new] = number_.try_emplace(id, static_cast<int32_t>(number_.size()));
  SERENDIP_CHECK(entry->second >= 0, "more than {} ids", std::numeric_limits<int32_t>::max());
  return {entry->second, is_new};
}

std::optional<int32_t> IdIndex::find(const std::string& id) const {
  const auto entry = number_.find(id);
  return entry == number_.end() ? std::nullopt : std::optional(entry->second);
}

std::vector<std::string> IdIndex::ids() const {
  std::vector<std::string> ids(number_.size());
  for (const auto& [id, number] : number_) ids[static_cast<size_t>(number)] = id;
  return ids;
}

void BadRows::add(const std::filesystem::path& part, int64_t number, const std::string& reason) {
  ++count_;
  if (count_ <= kSamples) {
    samples_.push_back(fmt::format("{}:{}: {}", part.string(), number, reason));
    spdlog::warn("bad row: {}", samples_.back());
  }
  SERENDIP_CHECK(count_ <= limit_, "{} bad rows, more than max_bad_rows = {}: {}{}", count_, limit_,
                 fmt::join(samples_, "; "), count_ > kSamples ? "; …" : "");
}

// A double holds every second of 285 million years exactly.
std::optional<int64_t> parse_time(std::string_view text) {
  const std::optional<double> seconds = parse_number(text);
  if (!seconds || std::abs(*seconds) > 0x1p53) return {};
  return static_cast<int64_t>(std::floor(*seconds));
}

std::optional<float> parse_reward(std::string_view text) {
  const std::optional<double> value = parse_number(text);
  if (!value || std::abs(*value) > std::numeric_limits<float>::max()) return {};
  return static_cast<float>(*value);
}

}  // namespace serendip
