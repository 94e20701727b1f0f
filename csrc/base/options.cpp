#include "base/options.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace serendip {
namespace {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename T>
std::string type_name() {
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, int64_t>) return "int";
  if constexpr (std::is_same_v<T, double>) return "float";
  if constexpr (std::is_same_v<T, std::string>) return "string";
  if constexpr (IsVector<T>::value) return "list of " + type_name<typename T::value_type>();
}

template <typename T>
std::string to_text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    YAML::Emitter out;
    out << YAML::DoubleQuoted << value;
    return out.c_str();
  } else if constexpr (IsVector<T>::value) {
    std::string text = "[";
    for (size_t i = 0; i < value.size(); ++i) text += (i ? ", " : "") + to_text(value[i]);
    return text + "]";
  } else {
    return fmt::format("{}", value);
  }
}

template <typename T>
T parse_value(const YAML::Node& node) {
  if constexpr (std::is_same_v<T, std::string>) {
    if (node.IsNull()) return {};
    if (!node.IsScalar()) throw YAML::BadConversion(node.Mark());
    return node.Scalar();
  } else {
    return node.as<T>();
  }
}

int64_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<int64_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    int64_t diagonal = std::exchange(row[0], static_cast<int64_t>(i));
    for (size_t j = 1; j <= b.size(); ++j)
      diagonal = std::exchange(
          row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
  }
  return row.back();
}

std::string nearest(const std::string& name, const std::vector<std::string>& candidates) {
  return *std::min_element(candidates.begin(), candidates.end(),
                           [&](const std::string& a, const std::string& b) {
                             return edit_distance(name, a) < edit_distance(name, b);
                           });
}

class Loader {
 public:
  explicit Loader(const std::vector<OptionSet*>& sets) {
    for (const OptionSet* set : sets) {
      sections_.insert(set->section());
      for (const auto& option : set->options())
        options_.emplace(set->section() + "." + option.key, &option);
    }
  }

  void load_file(const std::filesystem::path& path) {
    YAML::Node root;
    try {
      root = YAML::LoadFile(path.string());
    } catch (const YAML::BadFile&) {
      fail("{}: cannot open recipe", path.string());
    } catch (const YAML::ParserException& error) {
      fail("{}:{}: not valid YAML: {}", path.string(), error.mark.line + 1, error.msg);
    }
    SERENDIP_CHECK(root.IsMap(), "{}: expected a map of sections", path.string());
    std::set<std::string> seen;
    for (const auto& section : root) {
      const std::string name = section.first.Scalar();
      const std::string where = fmt::format("{}:{}", path.string(), section.first.Mark().line + 1);
      SERENDIP_CHECK(sections_.count(name), "{}: unknown section '{}' (nearest: '{}')", where, name,
                     nearest(name, {sections_.begin(), sections_.end()}));
      SERENDIP_CHECK(seen.insert(name).second, "{}: section '{}' is given twice", where, name);
      if (section.second.IsNull()) continue;
      SERENDIP_CHECK(section.second.IsMap(), "{}: section '{}': expected keys below it", where,
                     name);
      for (const auto& entry : section.second) {
        const std::string key = name + "." + entry.first.Scalar();
        const std::string line = fmt::format("{}:{}", path.string(), entry.first.Mark().line + 1);
        SERENDIP_CHECK(seen.insert(key).second, "{}: key '{}' is given twice", line, key);
        find(key, line).parse(YAML::Dump(entry.second), fmt::format("{}: {}", line, key));
      }
    }
  }

  void load_override(const std::string& assignment) {
    const size_t equals = assignment.find('=');
    SERENDIP_CHECK(equals != std::string::npos, "'{}': expected section.key=value", assignment);
    const std::string key = assignment.substr(0, equals);
    find(key, "command line").parse(assignment.substr(equals + 1), "command line: " + key);
  }

 private:
  const OptionSet::Option& find(const std::string& key, const std::string& where) const {
    const auto found = options_.find(key);
    if (found != options_.end()) return *found->second;
    std::vector<std::string> keys;
    for (const auto& [name, option] : options_) keys.push_back(name);
    fail("{}: unknown key '{}' (nearest: '{}')", where, key, nearest(key, keys));
  }

  std::set<std::string> sections_;
  std::map<std::string, const OptionSet::Option*> options_;
};

}  // namespace

Constraint<int64_t> at_least(int64_t low) {
  return {[low](int64_t x) { return x >= low; }, fmt::format("at least {}", low)};
}
Constraint<int64_t> within(int64_t low, int64_t high) {
  return {[=](int64_t x) { return low <= x && x <= high; }, fmt::format("{} to {}", low, high)};
}
Constraint<double> at_least(double low) {
  return {[low](double x) { return x >= low; }, fmt::format("at least {}", low)};
}
Constraint<double> above(double low) {
  return {[low](double x) { return x > low; }, fmt::format("above {}", low)};
}
Constraint<double> within(double low, double high) {
  return {[=](double x) { return low <= x && x <= high; }, fmt::format("{} to {}", low, high)};
}
Constraint<std::string> one_of(std::vector<std::string> choices) {
  const std::string text = fmt::format("one of {}", fmt::join(choices, ", "));
  return {[choices = std::move(choices)](const std::string& x) {
            return std::find(choices.begin(), choices.end(), x) != choices.end();
          },
          text};
}

template <typename T>
void OptionSet::add(const std::string& key, T& value, const std::string& help,
                    Constraint<T> constraint) {
  Option option{key, type_name<T>(), to_text(value), constraint.text, help, {}, {}};
  option.parse = [&value, constraint = std::move(constraint)](const std::string& yaml,
                                                              const std::string& where) {
    T parsed;
    try {
      parsed = parse_value<T>(YAML::Load(yaml));
    } catch (const YAML::Exception&) {
      fail("{}: expected {}, got '{}'", where, type_name<T>(), yaml);
    }
    SERENDIP_CHECK(!constraint.holds || constraint.holds(parsed), "{}: expected {}, got {}", where,
                   constraint.text, yaml);
    value = std::move(parsed);
  };
  option.text = [&value] { return to_text(value); };
  options_.push_back(std::move(option));
}

template void OptionSet::add(const std::string&, bool&, const std::string&, Constraint<bool>);
template void OptionSet::add(const std::string&, int64_t&, const std::string&, Constraint<int64_t>);
template void OptionSet::add(const std::string&, double&, const std::string&, Constraint<double>);
template void OptionSet::add(const std::string&, std::string&, const std::string&,
                             Constraint<std::string>);
template void OptionSet::add(const std::string&, std::vector<std::string>&, const std::string&,
                             Constraint<std::vector<std::string>>);
template void OptionSet::add(const std::string&, std::vector<int64_t>&, const std::string&,
                             Constraint<std::vector<int64_t>>);
template void OptionSet::add(const std::string&, std::vector<double>&, const std::string&,
                             Constraint<std::vector<double>>);

std::string OptionSet::canonical() const {
  std::vector<std::string> lines;
  for (const Option& option : options_)
    lines.push_back(fmt::format("{}.{}: {}\n", section_, option.key, option.text()));
  std::sort(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, ""));
}

std::string OptionSet::help() const {
  std::string text;
  for (const Option& option : options_)
    text += fmt::format("  {:<28} {} [{}{}{}] {}\n", section_ + "." + option.key, option.type,
                        option.default_text, option.constraint.empty() ? "" : "; ",
                        option.constraint, option.help);
  return text;
}

void load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                 const std::vector<OptionSet*>& sets) {
  Loader loader(sets);
  if (!path.empty()) loader.load_file(path);
  for (const std::string& assignment : overrides) loader.load_override(assignment);
}

}  // namespace serendip
