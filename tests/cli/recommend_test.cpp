// Policies as a user trains, compares and explains them, on a small world whose run pretrains its
// own language model.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/cli/small_world.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

class RecommendCommands : public testing::Test {
 protected:
  RecommendCommands() { write_small_world(folder.path(), ""); }
  CommandResult command(const Texts& words, const std::string& run_folder = "run") const {
    Texts arguments = words;
    arguments.insert(arguments.end(),
                     {"--recipe", "recipe.yaml", "run.folder=" + run_folder, "recommend.epochs=1"});
    return run_command(folder.path(), arguments);
  }
  // A run without a language model.
  void run(const std::string& run_folder, const Texts& settings) const {
    Texts words{"run", "sft.steps=0"};
    words.insert(words.end(), settings.begin(), settings.end());
    const CommandResult result = command(words, run_folder);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_NE(result.out.find("ndcg_at_10"), std::string::npos) << result.out;
    EXPECT_EQ(result.out.find("match rate"), std::string::npos) << result.out;
    for (const char* absent : {"sft", "table.h5", "recommendations.json"})
      EXPECT_FALSE(fs::exists(folder / (run_folder + "/" + absent))) << absent;
  }

  TemporaryFolder folder;
};

TEST_F(RecommendCommands, EachBaselineRunsWithoutALanguageModelAndIsCompared) {
  run("run", {"recommend.loss=reinforce", "recommend.novelty_boost=2"});
  run("towers", {"recommend.policy=two_tower"});
  run("bandit", {"recommend.policy=bandit", "recommend.progressive=true"});
  const Texts with{"--with", "towers/recommender", "--with", "bandit/recommender"};

  Texts words{"recommend", "compare"};
  words.insert(words.end(), with.begin(), with.end());
  const CommandResult text = command(words);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  for (const char* name : {"recommender ", "towers/recommender ", "bandit/recommender *",
                           "popularity ", "chance ", "150 held-out events"})
    EXPECT_NE(text.out.find(name), std::string::npos) << name << " missing in\n" << text.out;
  words.push_back("--json");
  const auto rows = nlohmann::json::parse(command(words).out);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(nlohmann::json::parse(read_file(folder / "run/comparison.json")), rows);

  const CommandResult value = command({"recommend", "value", "--with", "towers/recommender"});
  ASSERT_EQ(value.exit_code, 0) << value.err;
  EXPECT_NE(value.out.find("300 events of 150 users"), std::string::npos) << value.out;
  const CommandResult no_head = command({"recommend", "value"}, "bandit");
  EXPECT_EQ(no_head.exit_code, 1);
  EXPECT_NE(no_head.error_line().find("model_type: expected \"serendip_sequence\""),
            std::string::npos)
      << no_head.err;

  words = {"recommend", "explain", "--user", "user7"};
  words.insert(words.end(), with.begin(), with.end());
  const CommandResult explained = command(words);
  ASSERT_EQ(explained.exit_code, 0) << explained.err;
  for (const char* part : {"user user7: 40 events", "history, the last 10", "without the table",
                           "towers/recommender", "popularity", "chance"})
    EXPECT_NE(explained.out.find(part), std::string::npos) << part << " in\n" << explained.out;
  EXPECT_EQ(explained.out.find("the table's row"), std::string::npos) << explained.out;
}

TEST_F(RecommendCommands, ExplainFollowsAUserThroughTheTable) {
  const CommandResult whole = command(
      {"run", "model.path=run/base_model", "model.template='{1}; {2}; '", "pretrain.vocabulary=400",
       "pretrain.hidden_size=32", "pretrain.layers=2", "pretrain.heads=2",
       "pretrain.key_value_heads=1", "pretrain.intermediate_size=48", "pretrain.steps=5",
       "sft.mode=full", "sft.steps=2", "generate.mode=full", "generate.k=8"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const auto users = nlohmann::json::parse(read_file(folder / "run/recommendations.json"))["users"];
  ASSERT_FALSE(users.empty());
  const std::string user = users[0]["user"];
  const CommandResult result = command({"recommend", "explain", "--user", user, "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto explained = nlohmann::json::parse(result.out);
  EXPECT_EQ(explained["user"], user);
  EXPECT_EQ(explained["row"].size(), 6u);  // 8 clusters without the context's two
  EXPECT_EQ(explained["interests"][0]["cluster"], users[0]["interest"]["cluster"]);
  for (size_t at = 0; at < users[0]["items"].size(); ++at)
    EXPECT_EQ(explained["items"][at]["item"], users[0]["items"][at]["item"]);
  for (const auto& item : explained["items"])
    EXPECT_EQ(item["cluster"], explained["interests"][0]["cluster"]);
  const CommandResult text =
      command({"recommend", "explain", "--user", user, "--interests", "2", "--drawn"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  for (const char* part : {"the table's row", "new interest", "items of the new interest",
                           "keyword search for the new interest"})
    EXPECT_NE(text.out.find(part), std::string::npos) << part << " in\n" << text.out;

  run("keywords", {"recommend.policy=popularity"});  // the same tree
  const CommandResult made =
      command({"recommend", "train", "recommend.policy=keyword"}, "keywords");
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const CommandResult compared =
      command({"recommend", "compare", "--with", "keywords/recommender", "--json"});
  ASSERT_EQ(compared.exit_code, 0) << compared.err;
  const auto rows = nlohmann::json::parse(compared.out);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[1]["name"], "recommender, in the table's interest");
  EXPECT_EQ(rows[1]["novelty_at_10"], 1.0);  // the interest is new to everybody who gets one
  EXPECT_EQ(rows[2]["ranking"], false);
}

TEST_F(RecommendCommands, BadArgumentsAreNamed) {
  const CommandResult missing = command({"recommend", "compare"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.error_line().find("no folder 'run/recommender'; `serendip recommend train`"),
            std::string::npos)
      << missing.err;
  run("run", {"recommend.policy=popularity"});
  EXPECT_NE(command({"recommend", "compare", "--with", "nowhere"})
                .error_line()
                .find("--with: no folder 'nowhere'"),
            std::string::npos);
  EXPECT_NE(command({"recommend", "explain", "--user", "nobody"})
                .error_line()
                .find("expected the id of one of 150 users, got 'nobody'"),
            std::string::npos);
  EXPECT_EQ(command({"recommend", "explain"}).exit_code, 2);
  EXPECT_NE(command({"sft", "sft.steps=0", "model.path=run"}).error_line(), "");
}

}  // namespace
}  // namespace serendip
