#include "base/options.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

struct Options {
  int64_t steps = 100;
  double learning_rate = 1e-3;
  std::string mode = "lora";
  std::vector<std::string> modules = {"q_proj"};
  bool shuffle = true;
  void declare(OptionSet& set) {
    set.add("steps", steps, "optimiser steps", at_least(int64_t{1}));
    set.add("learning_rate", learning_rate, "peak learning rate", above(0.0));
    set.add("mode", mode, "what is trained", one_of({"lora", "full"}));
    set.add("modules", modules, "target modules");
    set.add("shuffle", shuffle, "shuffle samples");
  }
};

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { options.declare(set); }
  void load(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
    write_file(folder / "recipe.yaml", yaml);
    load_recipe(folder / "recipe.yaml", overrides, {&set});
  }
  std::string load_error(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
    return error_of([&] { load(yaml, overrides); });
  }

  TemporaryFolder folder;
  Options options;
  OptionSet set{"sft"};
};

TEST_F(OptionsTest, FileThenOverrides) {
  load("sft:\n  steps: 7\n  modules: [a, b]\n  shuffle: false\n", {"sft.learning_rate=0.5"});
  EXPECT_EQ(options.steps, 7);
  EXPECT_EQ(options.learning_rate, 0.5);
  EXPECT_EQ(options.modules, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(options.shuffle);
}

TEST_F(OptionsTest, UnknownKeyNamesLineAndNearest) {
  const std::string error = load_error("sft:\n  stpes: 7\n");
  EXPECT_NE(error.find("recipe.yaml:2: unknown key 'sft.stpes' (nearest: 'sft.steps')"),
            std::string::npos)
      << error;
}

TEST_F(OptionsTest, UnknownSectionNamesNearest) {
  EXPECT_NE(load_error("stf:\n  steps: 7\n").find("unknown section 'stf' (nearest: 'sft')"),
            std::string::npos);
}

TEST_F(OptionsTest, WrongTypeNamesKeyAndValue) {
  EXPECT_NE(load_error("sft:\n  steps: many\n").find("sft.steps: expected int, got 'many'"),
            std::string::npos);
  EXPECT_NE(load_error("sft:\n  steps: 1.5\n").find("expected int"), std::string::npos);
}

TEST_F(OptionsTest, OutOfRangeNamesConstraint) {
  EXPECT_NE(load_error("sft:\n  steps: 0\n").find("expected at least 1, got 0"), std::string::npos);
  EXPECT_NE(load_error("", {"sft.mode=qlora"}).find("expected"), std::string::npos);
}

TEST_F(OptionsTest, TwiceTheSameKeyIsRefused) {
  EXPECT_NE(load_error("sft:\n  steps: 1\n  steps: 2\n").find("given twice"), std::string::npos);
}

TEST_F(OptionsTest, CanonicalTextDependsOnValuesOnly) {
  const std::string before = set.canonical();
  load("sft:\n  steps: 100\n");
  EXPECT_EQ(set.canonical(), before);
  load("sft:\n  steps: 101\n");
  EXPECT_NE(set.canonical(), before);
}

}  // namespace
}  // namespace serendip
