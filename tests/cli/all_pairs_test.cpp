// Twenty contexts of recipes/all_pairs.yaml, 761 interests of MovieLens small, with its model
// trained for a few steps: the exact search beside every label.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kContexts = 20, kClusters = 761, kBest = 10;
constexpr double kNear = 2e-4;  // two scores so near may stand in either order

struct Table {
  explicit Table(const fs::path& path) {
    const Hdf5File file = Hdf5File::open(path);
    k = file.shape("/label")[1];
    rows = file.shape("/label")[0];
    label = file.read<double>("/label");
    log_prob = file.read<double>("/log_prob");
    low = file.read<double>("/probability_low");
    high = file.read<double>("/probability_high");
  }
  size_t at(int64_t row, int64_t rank) const { return static_cast<size_t>(row * k + rank); }

  int64_t rows, k;
  std::vector<double> label, log_prob, low, high;
};

class AllPairs : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path archive = data_path("ml-latest-small/ml-latest-small.zip");
    if (!fs::exists(archive)) GTEST_SKIP() << archive << " is absent";
    const std::string unpack = fmt::format("python3 -m zipfile -e '{}' '{}' > /dev/null",
                                           archive.string(), (folder / ".cache/data").string());
    ASSERT_EQ(std::system(unpack.c_str()), 0);
    std::string contexts;
    for (int64_t i = 0; i < kContexts; ++i)
      contexts += fmt::format("{{\"context\": [{}, {}]}}\n", 37 * i, (101 * i + 5) % kClusters);
    write_file(folder / "contexts.jsonl", contexts);
  }
  void run(std::vector<std::string> words) const {
    words.insert(words.end(), {"--recipe", source_path("recipes/all_pairs.yaml").string()});
    const CommandResult result = run_command(folder.path(), words);
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  TemporaryFolder folder;
};

TEST_F(AllPairs, ExactFindsTheBestOfEveryLabel) {
  run({"run", "--until", "sft", "pretrain.steps=40", "sft.steps=150", "eval.every=150",
       "eval.match_contexts=8", "eval.sample=2"});
  const fs::path table = folder / "runs/all_pairs/table.h5";
  run({"generate", "generate.contexts=contexts.jsonl"});
  const Table exact(table);
  run({"generate", "generate.contexts=contexts.jsonl", "generate.mode=full",
       fmt::format("generate.k={}", kClusters)});
  const Table full(table);
  ASSERT_EQ(exact.rows, kContexts);
  ASSERT_EQ(exact.k, kBest);
  for (int64_t row = 0; row < kContexts; ++row) {
    std::map<double, size_t> of_label;
    for (int64_t rank = 0; rank < kClusters; ++rank)
      of_label[full.label[full.at(row, rank)]] = full.at(row, rank);
    for (int64_t rank = 0; rank < kBest; ++rank) {
      const size_t here = exact.at(row, rank), there = of_label.at(exact.label[here]);
      EXPECT_NEAR(full.log_prob[there], full.log_prob[full.at(row, rank)], kNear)
          << row << " " << rank;
      EXPECT_NEAR(exact.log_prob[here], full.log_prob[there], 1e-4);
      EXPECT_EQ(full.low[there], full.high[there]);  // all is known
      EXPECT_GE(full.low[there], exact.low[here] - 1e-4);
      EXPECT_LE(full.low[there], exact.high[here] + 1e-4);
      EXPECT_LE(exact.low[here], exact.high[here]);
    }
  }
}

}  // namespace
}  // namespace serendip
