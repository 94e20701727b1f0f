#include "data/import_rows.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/log.h"

namespace serendip {
namespace {

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

IdIndex::IdIndex() : slots_(1024), mask_(slots_.size() - 1) {}

size_t IdIndex::slot_of(std::string_view id, uint64_t hash) const {
  const auto hash_high = static_cast<uint32_t>(hash >> 32);
  size_t slot = hash & mask_;
  while (slots_[slot].number >= 0 &&
         (slots_[slot].hash_high != hash_high || id_of(slots_[slot].number) != id))
    slot = (slot + 1) & mask_;
  return slot;
}

std::pair<int32_t, bool> IdIndex::add(std::string_view id, uint64_t hash) {
  Slot& slot = slots_[slot_of(id, hash)];
  if (slot.number >= 0) return {slot.number, false};
  const size_t count = list_.size();
  SERENDIP_CHECK(count < static_cast<size_t>(std::numeric_limits<int32_t>::max()),
                 "more than {} ids", std::numeric_limits<int32_t>::max());
  const auto number = static_cast<int32_t>(count);
  slot = {static_cast<uint32_t>(hash >> 32), number};
  list_.add(id);
  if (count + 1 > slots_.size() / 4 * 3) grow();
  return {number, true};
}

void IdIndex::grow() {
  slots_.assign(slots_.size() * 2, {});
  mask_ = slots_.size() - 1;
  for (size_t id = 0; id < list_.size(); ++id) {
    const uint64_t hash = hash64(list_[id]);
    slots_[slot_of(list_[id], hash)] = {static_cast<uint32_t>(hash >> 32),
                                        static_cast<int32_t>(id)};
  }
}

std::optional<int32_t> IdIndex::find(std::string_view id) const {
  const Slot& slot = slots_[slot_of(id, hash64(id))];
  return slot.number < 0 ? std::nullopt : std::optional(slot.number);
}

std::vector<std::string> IdIndex::ids() const {
  std::vector<std::string> ids;
  ids.reserve(list_.size());
  for (size_t id = 0; id < list_.size(); ++id) ids.emplace_back(list_[id]);
  return ids;
}

void BadRows::add(const std::filesystem::path& part, int64_t number, const std::string& reason) {
  ++count_;
  if (samples_.size() < PartBadRows::kFirst) {
    samples_.push_back(fmt::format("{}:{}: {}", part.string(), number, reason));
    spdlog::warn("bad row: {}", samples_.back());
  }
  check_limit();
}

void BadRows::add(const std::filesystem::path& part, const PartBadRows& rows) {
  for (const BadRow& row : rows.first) add(part, row.number, row.reason);
  count_ += rows.count - static_cast<int64_t>(rows.first.size());
  check_limit();
}

void BadRows::check_limit() const {
  SERENDIP_CHECK(count_ <= limit_, "{} bad rows, more than max_bad_rows = {}: {}{}", count_, limit_,
                 fmt::join(samples_, "; "),
                 count_ > static_cast<int64_t>(samples_.size()) ? "; …" : "");
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
