#include "simulator/arms.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace serendip {
namespace {

std::string error_of(const ExperimentOptions& options) {
  try {
    parse_arms(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(Arms, OfTheDefaultsParse) {
  const std::vector<ArmSpec> arms = parse_arms(ExperimentOptions());
  ASSERT_GE(arms.size(), 10u);
  EXPECT_EQ(arms[0].name, "control");
  EXPECT_EQ(arms[1].luck, 1);
  EXPECT_EQ(arms[2].policy, ArmPolicy::kLanguage);
  EXPECT_DOUBLE_EQ(arms[2].accuracy, 0.5);
}

TEST(Arms, NameWhatIsWrong) {
  ExperimentOptions options;
  options.control = "a";
  const auto error = [&](std::vector<std::string> arms) {
    options.arms = std::move(arms);
    return error_of(options);
  };
  const auto says = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says(error({"a: random", "a: popularity"}), "'a' is given twice");
  says(error({"a: magic"}), "'a: magic'");
  says(error({"a random"}), "expected \"name: policy");
  says(error({"a: random boost=2"}), "boost: policy random has no such parameter");
  says(error({"a: language accuracy=1.5"}), "from 0 to 1, got '1.5'");
  says(error({"a: language accuracy=x"}), "got 'x'");
  says(error({"a: random explored=5"}), "from 0 to 4");
  says(error({"a: random luck"}), "expected key=value, got 'luck'");
  says(error({"a: table"}), "expected path=TABLE");
  says(error({"b: random"}), "experiment.control: expected one of the arms, got 'a'");
  says(error({"a: table path=table.h5"}), "got 'a', whose table fits its own world alone");
  EXPECT_EQ(error({"a: random explored=4 luck=3"}), "none");
  options.explored = 9;
  says(error({"a: random"}), "experiment.explored = 9");
}

TEST(Arms, OfATableTakePartWhereItFits) {
  ExperimentOptions options;
  options.control = "a";
  options.arms = {"a: random", "b: table path=run/table.h5", "c: table path=run/{seed}/table.h5"};
  const std::vector<ArmSpec> arms = parse_arms(options);
  EXPECT_TRUE(arms[1].takes_part(0));
  EXPECT_FALSE(arms[1].takes_part(1));
  EXPECT_TRUE(arms[2].takes_part(1));
  EXPECT_EQ(arms[1].table(7), "run/table.h5");
  EXPECT_EQ(arms[2].table(7), "run/7/table.h5");
}

}  // namespace
}  // namespace serendip
