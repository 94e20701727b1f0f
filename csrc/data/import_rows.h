// What import does with single rows: numbering ids, reading numbers, counting what is unusable.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace serendip {

// Numbers ids from 0 by first appearance.
class IdIndex {
 public:
  // The id's number, and whether it is new. Throws Error past 2^31 - 1 ids.
  std::pair<int32_t, bool> add(const std::string& id);
  std::optional<int32_t> find(const std::string& id) const;
  // In order of their numbers.
  std::vector<std::string> ids() const;

 private:
  std::unordered_map<std::string, int32_t> number_;
};

// Counts unusable rows, logs the first, and gives up past the limit.
class BadRows {
 public:
  explicit BadRows(int64_t limit) : limit_(limit) {}

  // Throws Error with the count, the limit and the first rows once there are more than the limit.
  void add(const std::filesystem::path& part, int64_t number, const std::string& reason);
  int64_t count() const { return count_; }

 private:
  int64_t limit_, count_ = 0;
  std::vector<std::string> samples_;
};

// Whole seconds, rounded down; none unless all of `text`, spaces around it aside, is a finite
// number.
std::optional<int64_t> parse_time(std::string_view text);
std::optional<float> parse_reward(std::string_view text);

}  // namespace serendip
