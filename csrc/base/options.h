// Recipe options, each declared once: parsing, checking, --help and the canonical text that is
// hashed all come from the same declaration.
//
//   struct SftOptions {
//     int64_t steps = 100;
//     double learning_rate = 1e-3;
//     void declare(OptionSet& set) {
//       set.add("steps", steps, "optimiser steps", at_least(1));
//       set.add("learning_rate", learning_rate, "peak learning rate", above(0.0));
//     }
//   };
//   OptionSet sft("sft");  options.declare(sft);  load_recipe("r.yaml", {"sft.steps=5"}, {&sft});
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace serendip {

// What a value must satisfy; `text` is shown in help and errors ("≥ 1", "one of: lora, full").
template <typename T>
struct Constraint {
  std::function<bool(const T&)> holds;
  std::string text;
};

Constraint<int64_t> at_least(int64_t low);
Constraint<int64_t> within(int64_t low, int64_t high);
Constraint<double> at_least(double low);
Constraint<double> above(double low);
Constraint<double> within(double low, double high);
Constraint<std::string> one_of(std::vector<std::string> choices);

// One section of a recipe. Holds pointers into the options struct that declared itself: keep that
// alive.
class OptionSet {
 public:
  explicit OptionSet(std::string section) : section_(std::move(section)) {}

  // T: bool, int64_t, double, std::string, std::vector<std::string>, std::vector<int64_t>,
  // std::vector<double>.
  // The value at declaration is the default. A key may contain no dot.
  template <typename T>
  void add(const std::string& key, T& value, const std::string& help,
           Constraint<T> constraint = {});

  const std::string& section() const { return section_; }
  // "key: value" a line, keys sorted: equal texts mean equal settings.
  std::string canonical() const;
  // Lines for --help: key, type, default, constraint, meaning.
  std::string help() const;

  struct Option {
    std::string key, type, default_text, constraint, help;
    std::function<void(const std::string& yaml, const std::string& where)> parse;
    std::function<std::string()> text;
  };
  const std::vector<Option>& options() const { return options_; }

 private:
  std::string section_;
  std::vector<Option> options_;
};

// Fills the sets from the YAML file, then from "section.key=value" overrides. Throws Error naming
// key, value, file and line, and the nearest valid key, for an unknown section or key, a wrong
// type, a value out of range or a key given twice. `path` may be empty: defaults and overrides
// only.
void load_recipe(const std::filesystem::path& path, const std::vector<std::string>& overrides,
                 const std::vector<OptionSet*>& sets);

}  // namespace serendip
