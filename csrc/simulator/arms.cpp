#include "simulator/arms.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "base/check.h"

namespace serendip {
namespace {

constexpr const char* kSeed = "{seed}";

const std::map<std::string, ArmPolicy>& policies() {
  static const std::map<std::string, ArmPolicy> kPolicies = {
      {"sequence", ArmPolicy::kSequence},     {"reinforce", ArmPolicy::kReinforce},
      {"two_tower", ArmPolicy::kTwoTower},    {"bandit", ArmPolicy::kBandit},
      {"language", ArmPolicy::kLanguage},     {"table", ArmPolicy::kTable},
      {"counts", ArmPolicy::kCounts},         {"keyword", ArmPolicy::kKeyword},
      {"popularity", ArmPolicy::kPopularity}, {"random", ArmPolicy::kRandom}};
  return kPolicies;
}

std::vector<std::string> policy_names() {
  std::vector<std::string> names;
  for (const auto& [name, policy] : policies()) names.push_back(name);
  return names;
}

template <typename T>
T number_within(const std::string& text, T low, T high, const std::string& where) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  SERENDIP_CHECK(
      error == std::errc() && end == text.data() + text.size() && low <= value && value <= high,
      "{}: expected a number from {} to {}, got '{}'", where, low, high, text);
  return value;
}

void set_parameter(ArmSpec& arm, const std::string& key, const std::string& value, int64_t places,
                   const std::string& line) {
  const std::string where = fmt::format("experiment.arms: '{}': {}", line, key);
  const bool stands_in = arm.policy == ArmPolicy::kLanguage || arm.policy == ArmPolicy::kKeyword;
  if (key == "accuracy" && stands_in) {
    arm.accuracy = number_within(value, 0.0, 1.0, where);
  } else if (key == "boost" && arm.policy == ArmPolicy::kReinforce) {
    arm.boost = number_within(value, 1.0, 1e6, where);
  } else if (key == "path" && arm.policy == ArmPolicy::kTable) {
    arm.path = value;
  } else if (key == "luck") {
    arm.luck = number_within(value, int64_t{0}, int64_t{1} << 20, where);
  } else if (key == "explored") {
    arm.explored = number_within(value, int64_t{0}, places, where);
  } else {
    fail("{}: policy {} has no such parameter", where, arm.policy_name);
  }
}

ArmSpec parse_arm(const std::string& line, const ExperimentOptions& options) {
  const size_t colon = line.find(':');
  SERENDIP_CHECK(colon != std::string::npos && colon > 0,
                 "experiment.arms: '{}': expected \"name: policy key=value …\"", line);
  ArmSpec arm;
  arm.name = line.substr(0, colon);
  arm.explored = options.explored;
  std::istringstream words(line.substr(colon + 1));
  words >> arm.policy_name;
  const auto found = policies().find(arm.policy_name);
  SERENDIP_CHECK(found != policies().end(), "experiment.arms: '{}': expected a policy, one of {}",
                 line, fmt::join(policy_names(), ", "));
  arm.policy = found->second;
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    SERENDIP_CHECK(equals != std::string::npos,
                   "experiment.arms: '{}': expected key=value, got '{}'", line, word);
    set_parameter(arm, word.substr(0, equals), word.substr(equals + 1), options.places, line);
  }
  SERENDIP_CHECK(arm.policy != ArmPolicy::kTable || !arm.path.empty(),
                 "experiment.arms: '{}': expected path=TABLE", line);
  return arm;
}

}  // namespace

bool ArmSpec::needs_sequence_model(int64_t places) const {
  switch (policy) {
    case ArmPolicy::kReinforce:
    case ArmPolicy::kTwoTower:
    case ArmPolicy::kKeyword:
    case ArmPolicy::kPopularity:
    case ArmPolicy::kRandom:
      return explored < places;
    default:
      return true;
  }
}

std::string ArmSpec::table(int64_t world_seed) const {
  const size_t at = path.find(kSeed);
  if (at == std::string::npos) return path;
  return std::string(path).replace(at, std::string(kSeed).size(), std::to_string(world_seed));
}

bool ArmSpec::takes_part(int64_t world) const {
  return policy != ArmPolicy::kTable || world == 0 || path.find(kSeed) != std::string::npos;
}

std::vector<ArmSpec> parse_arms(const ExperimentOptions& options) {
  SERENDIP_CHECK(options.explored <= options.places,
                 "experiment.explored = {}: expected at most experiment.places ({})",
                 options.explored, options.places);
  std::vector<ArmSpec> arms;
  const auto has = [&](const std::string& name) {
    return std::any_of(arms.begin(), arms.end(),
                       [&](const ArmSpec& it) { return it.name == name; });
  };
  for (const std::string& line : options.arms) {
    ArmSpec arm = parse_arm(line, options);
    SERENDIP_CHECK(!has(arm.name),
                   "experiment.arms: '{}': expected names apart, '{}' is given twice", line,
                   arm.name);
    arms.push_back(std::move(arm));
  }
  SERENDIP_CHECK(has(options.control), "experiment.control: expected one of the arms, got '{}'",
                 options.control);
  for (const ArmSpec& arm : arms)
    SERENDIP_CHECK(arm.name != options.control || arm.policy != ArmPolicy::kTable,
                   "experiment.control: expected an arm of every world, got '{}', whose table fits "
                   "its own world alone",
                   arm.name);
  return arms;
}

}  // namespace serendip
