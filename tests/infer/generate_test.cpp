// The pair table of stories260K over eight interests, made in every way: the same file. Some tests
// fork, which LibTorch's threads survive only when nothing ran before: one test a process, as ctest
// does.
#include "infer/generate.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/reproducible.h"
#include "infer/pair_table.h"
#include "tests/base/temporary_folder.h"
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
  // Runs `generate` as so many processes with `threads` each; kills the one of rank `killed` once
  // it has finished a band. Returns how many ended well.
  int run(const std::string& name, int processes, int threads, int killed = -1) const {
    const fs::path at = prepared(name);
    const fs::path records = at / "table.parts" / ("rank_" + std::to_string(killed) + ".records");
    const auto work = [&] {
      try {
        at::set_num_threads(threads);
        generate(model, options, at);
        return 0;
      } catch (const std::exception& error) {
        fprintf(stderr, "%s\n", error.what());
        return 1;
      }
    };
    return run_processes(processes, work, killed, [&] {
      std::error_code absent;
      return fs::file_size(records, absent) > 500 && !absent;
    });
  }

  TemporaryFolder folder;
  ModelOptions model;
  GenerateOptions options;
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
  const std::string message = error_of([&] { generate(model, options, prepared("small")); });
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
  ASSERT_EQ(run("keeper", 2, 1, 0), 0);  // the store is gone with rank 0
  ASSERT_EQ(run("keeper", 1, 2), 1);
  EXPECT_TRUE(table_of("keeper") == expected);
}

TEST_F(GenerateTest, TheOthersDoWhatALostProcessHadBegun) {
  options.batch = 1;
  ASSERT_EQ(run("whole", 1, 1), 1);
  ASSERT_EQ(run("lost", 3, 1, 2), 2);
  EXPECT_TRUE(table_of("lost") == table_of("whole"));
}

TEST_F(GenerateTest, TheExactTableIsTheFullTablesBest) {
  options.tolerance = 0.01;
  generate(model, options, prepared("exact"));
  options.mode = "full";
  const nlohmann::json result = generate(model, options, prepared("full"));
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
  const nlohmann::json result = generate(model, options, prepared("free"));
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
    generate(model, options, prepared(name));
  }
  EXPECT_TRUE(table_of("a") == table_of("b"));
  EXPECT_NE(load_pair_table(folder / "a/table.h5").label,
            load_pair_table(folder / "c/table.h5").label);
}

}  // namespace
}  // namespace serendip
