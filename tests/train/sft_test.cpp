// Some tests fork, which LibTorch's threads survive only when nothing ran before: one test a
// process, as ctest does. Fine-tuning stories260K on a small world: it learns, resumes to the bit
// after SIGKILL, and chooses.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "distributed/device.h"
#include "infer/generate.h"
#include "infer/language_model.h"
#include "infer/pair_table.h"
#include "tests/base/before_fsync.h"
#include "tests/infer/small_language.h"
#include "tests/train/small_fine_tuning.h"
#include "train/evaluate.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

class SftTest : public SmallFineTuning {
 protected:
  // Runs `sft` in a child, which gets the signal as soon as the file or folder `moment` is there,
  // when one is given. Returns its exit code; minus the signal that ended it.
  int sft_in_child(const fs::path& folder, const fs::path& moment = {},
                   int signal = SIGKILL) const {
    const pid_t child = fork();
    if (child == 0) {
      catch_interrupts();
      if (!moment.empty()) raise_at(moment, signal);
      try {
        sft(model, options, eval, folder);
      } catch (const Interrupted&) {
        _exit(130);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        _exit(1);
      }
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
};

TEST_F(SftTest, KilledAndResumedEndsWithTheSameWeights) {
  for (const char* mode : {"lora", "full"}) {
    SCOPED_TRACE(mode);
    options.mode = mode;
    const fs::path whole = folder / (std::string(mode) + "_whole");
    prepare(whole);
    ASSERT_EQ(sft_in_child(whole), 0);
    const char* weights =
        options.mode == "lora" ? "adapter_model.safetensors" : "model.safetensors";
    const std::string expected = read_file(whole / "sft/step_6" / weights);
    for (const char* moment :
         {"sft/step_2", "sft/step_2.tmp/trainer", "sft/evaluations/step_4.json"}) {
      SCOPED_TRACE(moment);
      const fs::path killed = folder / "killed";
      fs::remove_all(killed);
      prepare(killed);
      EXPECT_EQ(sft_in_child(killed, killed / moment), -SIGKILL);
      ASSERT_EQ(sft_in_child(killed), 0);
      EXPECT_TRUE(read_file(killed / "sft/step_6" / weights) == expected);
      EXPECT_EQ(fs::read_symlink(killed / "sft/best"), fs::read_symlink(whole / "sft/best"));
    }
  }
}

TEST_F(SftTest, AnotherRuleChoosesAnotherStepOfAFinishedRun) {
  options.steps = 4;
  options.keep_last = 0;
  prepare(folder.path());
  sft(model, options, eval, folder.path());
  const std::filesystem::path step_2 = folder / "sft/evaluations/step_2.json";
  auto evaluation = nlohmann::json::parse(read_file(step_2));
  eval.choose = "nll";
  eval.match_rate = 0;
  for (const auto& [nll, best] : {std::pair(0.0, "step_2"), std::pair(100.0, "step_4")}) {
    evaluation["dev"]["all"]["nll"] = nll;
    write_file(step_2, evaluation.dump());
    sft(model, options, eval, folder.path());
    EXPECT_EQ(std::filesystem::read_symlink(folder / "sft/best"), best);
  }
}

TEST_F(SftTest, gpu_LossesAreTheCpus) {
  if (!has_gpu()) GTEST_SKIP() << "gpu: no CUDA device";
  for (const char* mode : {"lora", "full"}) {
    SCOPED_TRACE(mode);
    options.mode = mode;
    std::map<std::string, std::vector<double>> losses;
    for (const char* device : {"cpu", "cuda"}) {
      model.device = device;
      const fs::path at = folder / mode / device;
      prepare(at);
      sft(model, options, eval, at);
      losses[device] = losses_of(at);
    }
    ASSERT_EQ(losses["cuda"].size(), 6u);
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(losses["cuda"][i], losses["cpu"][i], 1e-3) << i;
  }
  model.dtype = "bfloat16";
  prepare(folder / "narrow");
  EXPECT_EQ(sft(model, options, eval, folder / "narrow").at("steps"), 6);
}

TEST_F(SftTest, CountsRepeatTheRandomSetOnly) {
  prepare(folder.path());
  TransitionSet set = successors(0);
  const int64_t size = set.size();
  set.count[0] = 3;
  options.steps = 1;
  for (const auto& [name, expected] :
       {std::pair{"balanced", size}, std::pair{"random", size + 2}}) {
    save_transition_set(set, folder / fmt::format("sft_{}.jsonl", name));
    fs::remove_all(folder / "sft");
    options.set = name;
    EXPECT_EQ(sft(model, options, eval, folder.path()).at("samples"), expected) << name;
  }
}

TEST_F(SftTest, LearnsItsSetAndFillsTheTable) {
  prepare(folder.path());
  options.mode = "full";
  options.steps = 200;
  options.batch_size = 8;
  options.learning_rate = 2e-3;
  eval.every = 100;
  eval.sample = 64;
  const nlohmann::json result = sft(model, options, eval, folder.path());
  const auto& last = result.at("curve").back();
  EXPECT_GT(last.at("sft_recall_at_1").get<double>(), 0.9) << result.dump(1);
  EXPECT_GT(last.at("match_rate").get<double>(), 0.9);

  const nlohmann::json judged = evaluate(model, eval, folder.path(), {});
  EXPECT_EQ(judged.at("comparison").size(), 6);
  EXPECT_GT(judged.at("differences").at("nll_untuned_minus_tuned").at("mean").get<double>(), 0);

  // Rows of the table against every label scored alone.
  GenerateOptions generating;
  generating.k = 3;
  generating.batch = 5;
  generate(model, generating, {}, folder.path());
  const PairTable table = load_pair_table(folder / "table.h5");
  ASSERT_EQ(table.rows(), 64);
  const LanguageModel opened = open_language_model(model, folder / "sft/best", kTopics);
  for (int32_t row = 0; row < 64; row += 5) {
    const std::vector<int32_t> context = {row / 8, row % 8};
    std::vector<std::pair<double, int32_t>> scores;
    for (int32_t label = 0; label < 8; ++label)
      if (label != context[0] && label != context[1])
        scores.emplace_back(
            -score_alone(opened.decoder, opened.language.prompt(context),
                         opened.language.description_ids[static_cast<size_t>(label)],
                         opened.language.terminator),
            label);
    std::sort(scores.begin(), scores.end());
    for (size_t i = 0; i < 3; ++i) {
      const size_t at = static_cast<size_t>(row) * 3 + i;
      EXPECT_EQ(table.label[at], scores[i].second) << row;
      EXPECT_NEAR(table.log_prob[at], -scores[i].first, 2e-4);
    }
  }
}

// Told to end: after the step under way, with a checkpoint from which the same weights come.
TEST_F(SftTest, TerminatedItSavesItsPosition) {
  options.steps = 30;
  eval.every = 10;
  prepare(folder / "whole");
  ASSERT_EQ(sft_in_child(folder / "whole"), 0);
  const fs::path ended = folder / "ended";
  prepare(ended);
  ASSERT_EQ(sft_in_child(ended, ended / "sft/evaluations/step_10.json", SIGTERM), 130);
  EXPECT_TRUE(fs::exists(ended / "sft/step_11"));
  ASSERT_EQ(sft_in_child(ended), 0);
  EXPECT_TRUE(read_file(ended / "sft/step_30/adapter_model.safetensors") ==
              read_file(folder / "whole/sft/step_30/adapter_model.safetensors"));
}

// With 16-bit weights the float32 ones behind them are part of the checkpoint.
TEST_F(SftTest, SixteenBitWeightsResumeToTheBit) {
  model.dtype = "bfloat16";
  options.mode = "full";
  options.recompute = true;
  options.micro_batch_size = 3;
  prepare(folder / "whole");
  ASSERT_EQ(sft_in_child(folder / "whole"), 0);
  prepare(folder / "killed");
  EXPECT_EQ(sft_in_child(folder / "killed", folder / "killed/sft/step_4"), -SIGKILL);
  ASSERT_EQ(sft_in_child(folder / "killed"), 0);
  for (const char* file : {"model.safetensors", "trainer/optimizer.safetensors"})
    EXPECT_TRUE(read_file(folder / "killed/sft/step_6" / file) ==
                read_file(folder / "whole/sft/step_6" / file))
        << file;
}

TEST_F(SftTest, AnInfiniteLossStopsItBeforeTheWeightsAreLost) {
  options.learning_rate = 1e30;
  options.warmup_steps = 0;
  options.clip_norm = 0;
  options.mode = "full";
  eval.every = 1;
  prepare(folder.path());
  const std::string message = error_of([&] { sft(model, options, eval, folder.path()); });
  EXPECT_NE(message.find("sft: step 2: loss "), std::string::npos) << message;
  EXPECT_NE(message.find("labels: "), std::string::npos) << message;
  EXPECT_TRUE(fs::exists(folder / "sft/step_1/model.safetensors"));
  EXPECT_FALSE(fs::exists(folder / "sft/step_2"));
}

TEST_F(SftTest, WithoutSamplesItSaysSo) {
  prepare(folder.path());
  write_file(folder / "sft_balanced.jsonl", "");
  EXPECT_NE(error_of([&] { sft(model, options, eval, folder.path()); }).find("sft_balanced.jsonl"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
