// The pair table of stories260K over eight interests, made in every way: the same file. Some tests
// fork, which LibTorch's threads survive only when nothing ran before: one test a process, as ctest
// does.
#include "infer/generate.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/file.h"
#include "base/reproducible.h"
#include "data/dataset.h"
#include "distributed/launch.h"
#include "infer/pair_table.h"
#include "tests/base/temporary_folder.h"
#include "tests/base/wait_until.h"
#include "tests/distributed/processes.h"
#include "tests/infer/small_tree.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

const bool kReproducible = (use_reproducible_products(), true);  // before the first product

class GenerateTest : public testing::Test {
 protected:
  void SetUp() override {
    model.path = shared_data("stories260K").string();
    if (!fs::exists(model.path)) GTEST_SKIP() << model.path << " is absent";
    model.prompt_template = "{1}. {2}. ";
    options.k = 3;
  }
  std::string table_of(const fs::path& name) const { return read_file(folder / name / "table.h5"); }
  fs::path prepared(const std::string& name) const {
    save_tree(small_tree(), folder / name / "tree.h5");
    return folder / name;
  }
  static void limit_files() {
    const rlimit limit = {kFileLimit, kFileLimit};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  // Runs `generate` as so many processes with `threads` each; the one of rank `killed` is killed
  // while it writes its second band. Returns how many ended well.
  int run(const std::string& name, int processes, int threads, int killed = -1) const {
    const fs::path at = prepared(name);
    const fs::path records = at / fmt::format("table.parts/rank_{}.records", killed);
    const auto killed_now = [&] {
      std::error_code absent;
      return fs::file_size(records, absent) == kFileLimit && !absent;
    };
    const auto work = [&] {
      try {
        const int64_t rank = launch_info().rank;
        at::set_num_threads(threads);
        if (!can_meet) unsetenv("MASTER_ADDR");
        if (rank == failing) signal(SIGXFSZ, SIG_IGN);
        if (rank == failing || rank == killed) limit_files();
        if (rank == late && !wait_until(killed_now)) return 2;
        generate(model, options, rule, at);
        return 0;
      } catch (const std::exception& error) {
        fprintf(stderr, "%s\n", error.what());
        return 1;
      }
    };
    return run_processes(processes, work, killed);
  }

  static constexpr rlim_t kFileLimit = 700;  // within the second of the records of 396 bytes
  TemporaryFolder folder;
  ModelOptions model;
  GenerateOptions options;
  MiningRule rule;
  bool can_meet = true;  // else the processes have no MASTER_ADDR
  int failing = -1;      // the rank that cannot write its second band
  int late = -1;         // the rank that begins when another is being killed
};

TEST_F(GenerateTest, TheFileDependsOnNeitherBatchNorThreadsNorProcesses) {
  ASSERT_EQ(run("one", 1, 1), 1);
  const std::string expected = table_of("one");
  ASSERT_EQ(run("threads", 1, 3), 1);
  EXPECT_TRUE(table_of("threads") == expected);
  ASSERT_EQ(run("processes", 3, 2), 3);
  EXPECT_TRUE(table_of("processes") == expected);
  options.batch = 3;
  ASSERT_EQ(run("batch", 1, 2), 1);
  EXPECT_TRUE(table_of("batch") == expected);
  EXPECT_FALSE(fs::exists(folder / "batch/table.parts"));
  // A node has 5 layers' keys and values of 32 floats; three times that while they grow.
  options.batch = 8;
  options.memory = 60 * 3 * 5 * 2 * 32 * 4 * 1e-9;
  ASSERT_EQ(run("memory", 1, 1), 1);
  EXPECT_TRUE(table_of("memory") == expected);
}

TEST_F(GenerateTest, TooLittleMemoryForOneContextIsAnError) {
  options.memory = 10 * 3 * 5 * 2 * 32 * 4 * 1e-9;
  at::set_num_threads(1);
  const std::string message = error_of([&] { generate(model, options, rule, prepared("small")); });
  EXPECT_TRUE(message.starts_with("generate.memory: ")) << message;
  EXPECT_NE(message.find(" are too few for one context: label search: "), std::string::npos)
      << message;
}

TEST_F(GenerateTest, KilledItGoesOnWithAnyNumberOfProcesses) {
  options.batch = 1;
  ASSERT_EQ(run("whole", 1, 1), 1);
  const std::string expected = table_of("whole");
  ASSERT_EQ(run("alone", 1, 1, 0), 0);
  EXPECT_FALSE(fs::exists(folder / "alone/table.h5"));
  ASSERT_EQ(run("alone", 2, 1), 2);
  EXPECT_TRUE(table_of("alone") == expected);
  // The store is gone with rank 0, unless rank 1 has left it one band only.
  int well = 2;
  for (int tries = 0; tries < 20 && well == 2; ++tries) {
    fs::remove_all(folder / "keeper");
    well = run("keeper", 2, 1, 0);
  }
  ASSERT_EQ(well, 0);
  ASSERT_EQ(run("keeper", 1, 2), 1);
  EXPECT_TRUE(table_of("keeper") == expected);
}

TEST_F(GenerateTest, TheOthersDoWhatALostProcessHadBegun) {
  options.batch = 1;
  ASSERT_EQ(run("whole", 1, 1), 1);
  late = 1;  // rank 0 waits for it
  ASSERT_EQ(run("lost", 3, 1, 2), 2);
  EXPECT_TRUE(table_of("lost") == table_of("whole"));
}

TEST_F(GenerateTest, AProcessThatFailsEndsThoughItsThreadsWait) {
  options.batch = 1;
  ASSERT_EQ(run("whole", 1, 1), 1);
  failing = 1;
  ASSERT_EQ(run("full", 2, 2), 1);
  EXPECT_TRUE(table_of("full") == table_of("whole"));
}

TEST_F(GenerateTest, ProcessesThatCannotMeetHaveAStrideEach) {
  options.batch = 1;
  ASSERT_EQ(run("whole", 1, 1), 1);
  can_meet = false;
  ASSERT_EQ(run("apart", 3, 1), 3);
  EXPECT_TRUE(table_of("apart") == table_of("whole"));
  ASSERT_EQ(run("lost", 3, 1, 2), 2);  // rank 0 does what it owed
  EXPECT_TRUE(table_of("lost") == table_of("whole"));
}

TEST_F(GenerateTest, ListedContextsHaveTheRowsOfTheWholeTable) {
  generate(model, options, rule, prepared("all"));
  const PairTable all = load_pair_table(folder / "all/table.h5");
  std::string lines;
  for (const char* pair : {"[6, 1]", "[0, 3]", "[6, 1]", "[0, 0]"})
    lines += fmt::format("{{\"context\": {}}}\n", pair);
  write_file(folder / "contexts.jsonl", lines);
  options.contexts = (folder / "contexts.jsonl").string();
  EXPECT_EQ(generate(model, options, rule, prepared("listed")).at("rows"), 3);
  const PairTable listed = load_pair_table(folder / "listed/table.h5");
  EXPECT_EQ(listed.contexts, ContextList::listed(8, 2, {0, 0, 0, 3, 6, 1}));
  for (int64_t row = 0; row < 3; ++row) {
    const int64_t same = all.contexts.find(listed.contexts[row]).value();
    for (int64_t i = 0; i < 3; ++i) {
      const auto here = static_cast<size_t>(row * 3 + i), there = static_cast<size_t>(same * 3 + i);
      EXPECT_EQ(listed.label[here], all.label[there]);
      EXPECT_EQ(listed.log_prob[here], all.log_prob[there]);
    }
  }
}

TEST_F(GenerateTest, ContextsOfThreeThatUsersHad) {
  model.prompt_template = "{1}. {2}. {3}. ";
  rule.context_size = 3;
  options.contexts = "observed";
  // One item a cluster. A second user's disliked event changes nothing.
  Dataset data;
  data.user_id = {"a", "b"};
  data.item_id = data.item_title = data.item_text = kTopics;
  data.user_offset = {0, 6, 11};
  data.event_item = {0, 1, 2, 1, 3, 0, 5, 0, 4, 1, 2};
  data.event_reward = {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1};
  data.event_time.resize(11);
  save_dataset(data, prepared("few") / "data.h5");
  save_dataset(data, prepared("whole") / "data.h5");
  generate(model, options, rule, prepared("few"));
  options.mode = "full";
  generate(model, options, rule, prepared("whole"));
  const PairTable few = load_pair_table(folder / "few/table.h5"),
                  full = load_pair_table(folder / "whole/table.h5");
  EXPECT_EQ(few.contexts,
            ContextList::listed(8, 3, {0, 1, 2, 0, 2, 1, 2, 1, 3, 1, 3, 0, 5, 0, 1, 0, 1, 2}));
  EXPECT_EQ(few.label, full.label);
  EXPECT_EQ(few.rows(), 5);  // (0, 1, 2) twice
}

TEST_F(GenerateTest, ContextsMustFitTheTemplateAndTheTree) {
  rule.context_size = 3;
  EXPECT_EQ(error_of([&] { generate(model, options, rule, prepared("three")); }),
            "model.template: expected 3 places, as curate.context_size says, got 2");
  rule.context_size = 2;
  const fs::path list = folder / "contexts.jsonl";
  options.contexts = list.string();
  const auto error_with = [&](const std::string& text) {
    write_file(list, text);
    return error_of([&] { generate(model, options, rule, prepared("two")); });
  };
  EXPECT_EQ(error_with("{\"context\": [1, 8]}\n"), "context: expected clusters below 8, got 8");
  EXPECT_TRUE(error_with("{\"context\": [1, 2]}\n{\"context\": [1]}\n")
                  .starts_with(list.string() + ": line 2: expected {\"context\": [2 clusters]}"));
  EXPECT_EQ(error_with("\n"), list.string() + ": expected contexts, got none");
}

TEST_F(GenerateTest, TheExactTableIsTheFullTablesBest) {
  options.tolerance = 0.01;
  generate(model, options, rule, prepared("exact"));
  options.mode = "full";
  const nlohmann::json result = generate(model, options, rule, prepared("full"));
  EXPECT_EQ(result.at("rows"), 64);
  EXPECT_GE(result.at("expansions_per_row").get<double>(), 1);
  const PairTable exact = load_pair_table(folder / "exact/table.h5"),
                  full = load_pair_table(folder / "full/table.h5");
  EXPECT_EQ(exact.label, full.label);
  for (size_t i = 0; i < exact.label.size(); ++i) {
    if (exact.label[i] == PairTable::kNoLabel) continue;
    EXPECT_NEAR(exact.log_prob[i], full.log_prob[i], 1e-4);
    EXPECT_GT(full.probability_low[i], exact.probability_low[i] - 1e-4);
    EXPECT_LT(full.probability_low[i], exact.probability_high[i] + 1e-4);
    EXPECT_LE(exact.probability_high[i] - exact.probability_low[i], 0.01 + 1e-6);
  }
}

TEST_F(GenerateTest, FreeAnswersAreLabelsOrNone) {
  options.mode = "free";
  options.k = 1;
  const nlohmann::json result = generate(model, options, rule, prepared("free"));
  const PairTable table = load_pair_table(folder / "free/table.h5");
  const auto none = std::count(table.label.begin(), table.label.end(), PairTable::kNoLabel);
  EXPECT_DOUBLE_EQ(result.at("match_rate"), 1 - static_cast<double>(none) / 64);
  EXPECT_EQ(none, 64);  // nobody has told it of the interests
}

TEST_F(GenerateTest, SamplesDependOnTheSeed) {
  options.mode = "sample";
  for (const auto& [name, seed] : {std::pair{"a", 1}, std::pair{"b", 1}, std::pair{"c", 2}}) {
    options.seed = seed;
    options.batch += 7;
    generate(model, options, rule, prepared(name));
  }
  EXPECT_TRUE(table_of("a") == table_of("b"));
  EXPECT_NE(load_pair_table(folder / "a/table.h5").label,
            load_pair_table(folder / "c/table.h5").label);
}

}  // namespace
}  // namespace serendip
