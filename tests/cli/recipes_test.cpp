#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(source_path("recipes")))
    names.push_back(entry.path().stem().string());
  return names;
}

// Needs neither data nor model: nothing is read but the recipe.
TEST(Recipes, EachParsesAndPlans) {
  const TemporaryFolder folder;
  for (const std::string& name : recipe_names()) {
    SCOPED_TRACE(name);
    const std::string path = source_path("recipes/" + name + ".yaml").string();
    const CommandResult result =
        run_command(folder.path(), {"run", "--recipe", path, "--dry-run", "--json"});
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const auto plan = nlohmann::json::parse(result.out);
    EXPECT_TRUE(fs::is_empty(folder.path()));
    if (name.starts_with("baseline_")) {
      EXPECT_EQ(plan.at("stages").size(), name == "baseline_keyword" ? 6u : 7u);
      EXPECT_FALSE(plan.contains("sft"));
      continue;
    }
    const bool simulates = plan.at("stages")[0].at("name") == "world";
    EXPECT_EQ(plan.at("stages").size(), 11u + plan.contains("pretrain") + simulates);
    EXPECT_GT(plan.at("sft").at("FLOPs").get<double>(), 0);
    EXPECT_GT(plan.at("generate").at("table").get<double>(), 0);
  }
}

TEST(Recipes, EachBeginsWithItsCommandAndWhatToExpect) {
  ASSERT_FALSE(recipe_names().empty());
  for (const std::string& name : recipe_names()) {
    SCOPED_TRACE(name);
    const std::string text = read_file(source_path("recipes/" + name + ".yaml"));
    const std::string head = text.substr(0, text.find("\nrun:"));
    EXPECT_TRUE(head.starts_with("# "));
    EXPECT_NE(head.find("serendip run --recipe recipes/" + name + ".yaml"), std::string::npos);
    EXPECT_NE(head.find("# expected: "), std::string::npos);
  }
}

TEST(DryRun, OfThePaperCountsItsPairs) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(
      folder.path(),
      {"run", "--recipe", source_path("recipes/paper.yaml").string(), "--dry-run", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto plan = nlohmann::json::parse(result.out);
  EXPECT_EQ(plan.at("generate").at("contexts"), 761 * 761);
  EXPECT_EQ(plan.at("sft").at("samples"), 3000 * 16);
  EXPECT_NEAR(plan.at("model").at("parameters").get<double>(), 2.614e9, 0.001e9);
  // t + (K+1)·d + 1 tokens a sample, by hand: 64 + 3·10 + 1.
  EXPECT_EQ(plan.at("sft").at("tokens_a_step"), 16 * 95);
  EXPECT_EQ(plan.at("sft").at("tokens_a_step_template_shared"), 64 + 16 * 31);
  // A label of 2 bytes and three floats, 10 a row.
  EXPECT_EQ(plan.at("generate").at("table"), 761.0 * 761 * 10 * 14);
  // Adam's two moments and the master weights, 4 bytes each, over 8 ranks.
  EXPECT_EQ(plan.at("sft").at("optimiser_memory_a_rank"),
            plan.at("model").at("parameters").get<double>() * 12 / 8);
}

TEST(DryRun, AsksForTheModelsShape) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(folder.path(), {"run", "--dry-run", "model.path=none"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("no config.json in 'none'"), std::string::npos) << result.err;
}

TEST(DryRun, IsReadable) {
  const TemporaryFolder folder;
  const CommandResult result = run_command(
      folder.path(), {"run", "--recipe", source_path("recipes/paper.yaml").string(), "--dry-run"});
  EXPECT_NE(result.out.find("579,121"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("runs/paper/table.h5"), std::string::npos) << result.out;
}

}  // namespace
}  // namespace serendip
