// Whole runs on a small world: finished, repeated, interrupted and killed. SmallRun needs no model;
// SmallRunWithModel needs the model stories260K.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/cli/small_world.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

const Texts kTextSets = {"sft_balanced.jsonl", "sft_random.jsonl", "dev.jsonl", "test.jsonl"};

CommandResult command(const TemporaryFolder& folder, const Texts& words,
                      const CommandSetting& setting = {}) {
  Texts arguments = words;
  arguments.insert(arguments.end(), {"--recipe", "recipe.yaml"});
  return run_command(folder.path(), arguments, setting);
}

void expect_same_hdf5(const Hdf5File& a, const Hdf5File& b, const std::string& group) {
  ASSERT_EQ(a.children(group), b.children(group)) << group;
  for (const std::string& child : a.children(group)) {
    const std::string name = (group == "/" ? "" : group) + "/" + child;
    if (a.is_group(name)) {
      expect_same_hdf5(a, b, name);
      continue;
    }
    ASSERT_EQ(a.shape(name), b.shape(name)) << name;
    if (a.dtype(name) == "str") {
      EXPECT_EQ(a.read_strings(name), b.read_strings(name)) << name;
    } else {
      EXPECT_EQ(a.read<double>(name), b.read<double>(name)) << name;
    }
  }
}

void expect_same_run(const TemporaryFolder& a, const TemporaryFolder& b, const Texts& tables,
                     const Texts& texts) {
  for (const std::string& name : tables) {
    SCOPED_TRACE(name);
    expect_same_hdf5(Hdf5File::open(a / ("run/" + name)), Hdf5File::open(b / ("run/" + name)), "/");
  }
  for (const std::string& name : texts)
    EXPECT_EQ(read_file(a / ("run/" + name)), read_file(b / ("run/" + name))) << name;
}

class SmallRun : public testing::Test {
 protected:
  SmallRun() { write_small_world(folder.path(), ""); }
  // Runs import to curate; sums their times.
  static double prepare(const TemporaryFolder& world) {
    double seconds = 0;
    for (const char* stage : {"import", "embed", "cluster", "curate"}) {
      const CommandResult result = command(world, {stage});
      EXPECT_EQ(result.exit_code, 0) << stage << ": " << result.err;
      seconds += result.seconds;
    }
    return seconds;
  }
  TemporaryFolder folder;
};

TEST_F(SmallRun, StagesPrintTheirResult) {
  const CommandResult result = command(folder, {"import", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(nlohmann::json::parse(result.out).is_object());
}

TEST_F(SmallRun, ASecondTimeIsSkipped) {
  prepare(folder);
  const CommandResult again = command(folder, {"curate"});
  EXPECT_NE(again.err.find("curate: unchanged, skipped"), std::string::npos) << again.err;
  const CommandResult changed = command(folder, {"curate", "curate.per_label=5"});
  EXPECT_EQ(changed.err.find("skipped"), std::string::npos) << changed.err;
}

// Killed after 1/6, 2/6, … of what the stages take, then done again: the same files as without the
// kill.
TEST_F(SmallRun, KilledAndDoneAgain) {
  const double seconds = prepare(folder);
  for (int sixth = 1; sixth < 6; ++sixth) {
    SCOPED_TRACE(sixth);
    TemporaryFolder killed;
    write_small_world(killed.path(), "");
    // `run` stops at `sft` for want of a model: that is the end of what is compared here.
    const CommandResult first = command(killed, {"run"}, {.signal_after = seconds * sixth / 6});
    EXPECT_TRUE(first.signal == SIGKILL || first.exit_code == 1) << first.err;
    const CommandResult second = command(killed, {"run"});
    EXPECT_NE(second.error_line().find("model.path"), std::string::npos) << second.err;
    expect_same_run(folder, killed, {"data.h5", "tree.h5", "transitions.h5"}, kTextSets);
  }
}

// While import writes down that it is done, which is no safe point: the next stage ends the run.
TEST_F(SmallRun, InterruptedExitsWith130AndGoesOn) {
  const fs::path manifests = fs::canonical(folder.path()) / "run/manifests";
  setenv("FAULT_FOLDER", manifests.c_str(), 1);
  setenv("FAULT_AT", "1", 1);
  setenv("FAULT_SIGNAL", std::to_string(SIGTERM).c_str(), 1);
  setenv("LD_PRELOAD", SERENDIP_FAULTY_DISK, 1);
  const CommandResult result = command(folder, {"run"});
  unsetenv("LD_PRELOAD");
  EXPECT_EQ(result.exit_code, 130) << result.err;
  EXPECT_NE(result.error_line().find("interrupted"), std::string::npos) << result.err;
  const CommandResult again = command(folder, {"run"});
  EXPECT_NE(again.err.find("import: unchanged, skipped"), std::string::npos) << again.err;
}

// All stages without a model from elsewhere.
TEST_F(SmallRun, PretrainsItsOwnModel) {
  const Texts small = {"run",
                       "model.path=run/base_model",
                       "model.template='{1}; {2}; '",
                       "pretrain.vocabulary=400",
                       "pretrain.hidden_size=32",
                       "pretrain.layers=2",
                       "pretrain.heads=2",
                       "pretrain.key_value_heads=1",
                       "pretrain.intermediate_size=48",
                       "pretrain.steps=20",
                       "sft.mode=full"};
  const CommandResult first = command(folder, small);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_NE(first.out.find("held_out_bits_per_byte"), std::string::npos) << first.out;
  for (const char* name : {"base_model/tokenizer.model", "pretrain/metrics.jsonl", "sft/best",
                           "table.h5", "recommendations.json", "report.html"})
    EXPECT_TRUE(fs::exists(folder / ("run/" + std::string(name)))) << name;
  const CommandResult second = command(folder, small);
  EXPECT_EQ(second.err.find(": starts"), std::string::npos) << second.err;
}

class SmallRunWithModel : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(data_path("stories260K")))
      GTEST_SKIP() << data_path("stories260K") << " is absent";
    write_small_world(folder.path(), model());
  }
  static fs::path model() { return fs::absolute(data_path("stories260K")); }
  TemporaryFolder folder;
};

TEST_F(SmallRunWithModel, FinishesAndIsThenSkipped) {
  const CommandResult first = command(folder, {"run"});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  for (const char* text : {"fine-tuned", "untuned", "popularity", "markov", "chance", "recall@10",
                           "match rate", "recommend_users"})
    EXPECT_NE(first.out.find(text), std::string::npos) << text << " missing in\n" << first.out;
  for (const char* name : {"sft/best", "eval.json", "table.h5", "recommendations.json",
                           "summary.json", "summary.txt", "recipe.yaml"})
    EXPECT_TRUE(fs::exists(folder / ("run/" + std::string(name)))) << name;

  const CommandResult second = command(folder, {"run", "--json"});
  ASSERT_EQ(second.exit_code, 0) << second.err;
  for (const auto& stage : nlohmann::json::parse(second.out).at("stages"))
    EXPECT_TRUE(stage.at("skipped")) << stage.at("name");

  // The recipe that the run kept reproduces it: every stage is still unchanged.
  const CommandResult kept = run_command(folder.path(), {"run", "--recipe", "run/recipe.yaml"});
  EXPECT_EQ(kept.err.find(": starts"), std::string::npos) << kept.err;
}

// Killed in the LLM stages (fine-tuning keeps checkpoints, bulk inference its parts) and done
// again.
TEST_F(SmallRunWithModel, KilledAndDoneAgain) {
  const CommandResult whole = command(folder, {"run"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  for (int quarter = 1; quarter < 4; ++quarter) {
    SCOPED_TRACE(quarter);
    TemporaryFolder killed;
    write_small_world(killed.path(), model());
    command(killed, {"run"}, {.signal_after = whole.seconds * quarter / 4});
    const CommandResult second = command(killed, {"run"});
    ASSERT_EQ(second.exit_code, 0) << second.err;
    expect_same_run(folder, killed, {"data.h5", "tree.h5", "transitions.h5", "table.h5"},
                    kTextSets);
    EXPECT_EQ(read_file(folder / "run/sft/best/adapter_model.safetensors"),
              read_file(killed / "run/sft/best/adapter_model.safetensors"));
  }
}

// Killed after its first evaluation and gone on: every step is there once.
TEST_F(SmallRunWithModel, TensorBoardReadsTheMetrics) {
  const fs::path python = source_path(".venv/bin/python");
  if (!fs::exists(python)) GTEST_SKIP() << python << " is absent";
  ASSERT_EQ(command(folder, {"run", "--until", "curate"}).exit_code, 0);
  command(folder, {"sft"}, {.signal_at = "sft: step ", .signal = SIGKILL});
  ASSERT_EQ(command(folder, {"sft"}).exit_code, 0);
  std::set<int64_t> steps;
  std::istringstream lines(read_file(folder / "run/sft/metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto entry = nlohmann::json::parse(line);
    if (!entry.contains("learning_rate")) continue;
    EXPECT_TRUE(steps.insert(entry.at("step").get<int64_t>()).second) << line;
  }
  EXPECT_EQ(steps.size(), 6u);
  const std::string line = fmt::format("'{}' '{}' '{}' >'{}' 2>&1", python.string(),
                                       source_path("tests/cli/read_tensorboard.py").string(),
                                       (folder / "run/sft").string(), (folder / "log").string());
  EXPECT_EQ(std::system(line.c_str()), 0) << read_file(folder / "log");
}

TEST_F(SmallRunWithModel, AFullDiskStopsGenerateWhichGoesOnLater) {
  ASSERT_EQ(command(folder, {"run", "--until", "sft"}).exit_code, 0);
  // Room for two or three bands of 396 bytes.
  const CommandResult full = command(folder, {"generate"}, {.file_size_limit = 1300});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_NE(full.error_line().find("rank_0.records: cannot append 396 bytes: "), std::string::npos)
      << full.err;
  EXPECT_FALSE(fs::exists(folder / "run/table.h5"));
  const CommandResult later = command(folder, {"generate"});
  ASSERT_EQ(later.exit_code, 0) << later.err;
  EXPECT_NE(later.err.find(" of 8 bands are there already"), std::string::npos) << later.err;
  const std::string table = read_file(folder / "run/table.h5");
  ASSERT_EQ(command(folder, {"generate", "generate.batch=3"}).exit_code, 0);
  EXPECT_TRUE(read_file(folder / "run/table.h5") == table);
}

TEST_F(SmallRun, UntilNamesTheLastStage) {
  const CommandResult result = command(folder, {"run", "--until", "curate"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(fs::exists(folder / "run/sft_balanced.jsonl"));
  EXPECT_EQ(result.err.find("sft: starts"), std::string::npos) << result.err;
  EXPECT_EQ(command(folder, {"run", "--until", "pretrain"}).error_line(),
            "serendip: --until: expected one of import, embed, cluster, curate, sft, eval, "
            "generate, recommend_train, recommend_eval, recommend_users, report, got pretrain");
}

// Two processes that torchrun starts: one manifest, one result; the next call is skipped by both.
TEST_F(SmallRunWithModel, TorchrunSharesFineTuningAndBulkInference) {
  const fs::path torchrun = source_path(".venv/bin/torchrun");
  if (!fs::exists(torchrun)) GTEST_SKIP() << torchrun << " is absent";
  ASSERT_EQ(command(folder, {"run", "--until", "curate"}).exit_code, 0);
  const auto start = [&](const std::string& stage) {
    const std::string line = fmt::format(
        "cd '{}' && '{}' --no-python --standalone --nproc-per-node 2 '{}' {} --recipe "
        "recipe.yaml --json >out 2>err",
        folder.path().string(), torchrun.string(), std::getenv("SERENDIP_BINARY"), stage);
    return std::system(line.c_str());
  };
  ASSERT_EQ(start("sft"), 0) << read_file(folder / "err");
  EXPECT_EQ(nlohmann::json::parse(read_file(folder / "out")).at("steps"), 6);
  EXPECT_TRUE(fs::exists(folder / "run/manifests/sft.json"));
  ASSERT_EQ(start("sft"), 0) << read_file(folder / "err");
  EXPECT_NE(read_file(folder / "err").find("sft: unchanged, skipped"), std::string::npos);
  ASSERT_EQ(start("generate"), 0) << read_file(folder / "err");
  EXPECT_EQ(nlohmann::json::parse(read_file(folder / "out")).at("rows"), 64);
  EXPECT_NE(start("embed embed.seed=5"), 0);
  EXPECT_NE(read_file(folder / "err").find("embed: runs as one process, got rank "),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
