#include "train/checkpoint.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

void save(const CheckpointFolder& checkpoints, int64_t step) {
  checkpoints.save(step, [](const fs::path& folder) {
    write_file(folder / "model", "weights");
    write_file(folder / "trainer" / "state", "state");
  });
}

TEST(CheckpointFolder, KeepsTheLastAndTheBest) {
  TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder / "sft", "a");
  for (const int64_t step : {10, 20, 30, 100}) save(checkpoints, step);
  checkpoints.prune(0, 20);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{10, 20, 30, 100}));
  checkpoints.prune(2, 20);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{20, 30, 100}));
  EXPECT_TRUE(fs::exists(folder / "sft/step_20/model"));
  EXPECT_FALSE(fs::exists(folder / "sft/step_20/trainer"));
  EXPECT_TRUE(fs::exists(folder / "sft/step_30/trainer"));
  EXPECT_EQ(checkpoints.last_resumable(), 100);
  checkpoints.prune(1, 100);
  EXPECT_EQ(checkpoints.steps(), (std::vector<int64_t>{100}));
}

TEST(CheckpointFolder, AFailedSaveLeavesNothing) {
  TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder / "sft", "a");
  EXPECT_THROW(checkpoints.save(5,
                                [](const fs::path& at) {
                                  write_file(at / "model", "half");
                                  throw std::runtime_error("full");
                                }),
               std::runtime_error);
  EXPECT_TRUE(checkpoints.steps().empty());
  EXPECT_EQ(checkpoints.last_resumable(), -1);
}

// Another model's or recipe's checkpoints are neither mixed in nor lost.
TEST(CheckpointFolder, OfAnotherRunIsMovedAside) {
  TemporaryFolder folder;
  save(CheckpointFolder(folder / "sft", "a"), 10);
  EXPECT_EQ(CheckpointFolder(folder / "sft", "a").last_resumable(), 10);
  EXPECT_EQ(CheckpointFolder(folder / "sft", "b").last_resumable(), -1);
  EXPECT_TRUE(fs::exists(folder / "sft.old/step_10/model"));
}

TEST(CheckpointFolder, EvaluationsComeByStep) {
  TemporaryFolder folder;
  const CheckpointFolder checkpoints(folder / "sft", "a");
  for (const int64_t step : {100, 20, 3}) checkpoints.save_evaluation(step, {{"step", step}});
  const auto evaluations = checkpoints.evaluations();
  ASSERT_EQ(evaluations.size(), 3);
  EXPECT_EQ(evaluations[0].at("step"), 3);
  EXPECT_EQ(evaluations[2].at("step"), 100);
}

}  // namespace
}  // namespace serendip
