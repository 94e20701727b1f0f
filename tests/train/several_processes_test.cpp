// Fine-tuning by 1, 2 and 4 processes: the same gradients, losses and evaluations; one that is
// killed is named, and the same command goes on with any number of them.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "distributed/launch.h"
#include "lm/named_tensors.h"
#include "tests/base/before_fsync.h"
#include "tests/distributed/processes.h"
#include "tests/train/small_fine_tuning.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

class SeveralProcesses : public SmallFineTuning {
 protected:
  // Runs `sft` as so many processes. Rank 0 kills the one of rank `killed` as soon as `kill_at` is
  // there. What a process ends with goes to folder/rank_N. Returns whether all ended well.
  bool run(const fs::path& folder, int processes, int killed = -1,
           const fs::path& kill_at = {}) const {
    const auto work = [&] {
      const int64_t rank = launch_info().rank;
      const fs::path victim = folder / "victim";
      if (rank == killed) write_file(victim, std::to_string(getpid()));
      if (rank == 0 && killed > 0)
        before_fsync = [&] {
          if (fs::exists(kill_at)) kill(std::stoi(read_file(victim)), SIGKILL);
        };
      std::string end = "done";
      try {
        sft(model, options, eval, folder);
      } catch (const std::exception& error) {
        end = error.what();
      }
      write_file(folder / fmt::format("rank_{}", rank), end);
      return end == "done" ? 0 : 1;
    };
    return run_processes(processes, work, killed) == processes;
  }
};

TEST_F(SeveralProcesses, MakeTheSameFirstGradients) {
  options.mode = "full";
  options.steps = eval.every = 1;
  options.clip_norm = 0;
  options.batch_size = 7;  // which two and four do not divide
  prepare(folder / "1");
  ASSERT_TRUE(run(folder / "1", 1));
  const char* state = "sft/step_1/trainer/optimizer.safetensors";
  const SafetensorsFile alone(folder / "1" / state);
  for (const int processes : {2, 4}) {
    SCOPED_TRACE(processes);
    const fs::path several = folder / std::to_string(processes);
    prepare(several);
    ASSERT_TRUE(run(several, processes));
    const SafetensorsFile shared(several / state);
    ASSERT_EQ(alone.entries().size(), shared.entries().size());
    for (const auto& [name, entry] : alone.entries()) {
      if (!name.starts_with("exp_avg.")) continue;  // a tenth of the gradient
      const torch::Tensor a = to_tensor(entry, torch::kFloat64, name);
      const torch::Tensor b = to_tensor(shared.entries().at(name), torch::kFloat64, name);
      EXPECT_LE((a - b).norm().item<double>(), 1e-6 * a.norm().item<double>()) << name;
    }
    EXPECT_EQ(read_file(folder / "1/sft/best/config.json"),
              read_file(several / "sft/best/config.json"));
  }
}

TEST_F(SeveralProcesses, HaveTheSameLossesOver50Steps) {
  options.steps = eval.every = 50;
  options.lora_dropout = 0.1;
  options.batch_size = 8;
  std::vector<double> alone;
  nlohmann::json evaluation;
  for (const int processes : {1, 2, 4}) {
    SCOPED_TRACE(processes);
    const fs::path at = folder / std::to_string(processes);
    prepare(at);
    options.micro_batch_size = processes == 2 ? 3 : 0;
    ASSERT_TRUE(run(at, processes)) << read_file(at / "rank_0");
    const std::vector<double> found = losses_of(at);
    ASSERT_EQ(found.size(), 50);
    const auto measured = nlohmann::json::parse(read_file(at / "sft/evaluations/step_50.json"));
    if (processes == 1) {
      alone = found;
      evaluation = measured;
    }
    for (size_t i = 0; i < 50; ++i) EXPECT_NEAR(found[i], alone[i], 1e-4) << i;
    for (const char* set : {"sft", "dev", "test"}) {
      const auto& ours = measured.at(set).at("all");
      EXPECT_EQ(ours.at("count"), evaluation.at(set).at("all").at("count"));
      EXPECT_NEAR(ours.at("nll").get<double>(),
                  evaluation.at(set).at("all").at("nll").get<double>(), 1e-3);
    }
  }
}

TEST_F(SeveralProcesses, NameTheOneThatIsLostAndGoOn) {
  options.steps = 60;
  options.batch_size = 8;
  eval.every = 20;
  prepare(folder / "whole");
  ASSERT_TRUE(run(folder / "whole", 4));
  const fs::path at = folder / "killed";
  prepare(at);
  EXPECT_FALSE(run(at, 4, /*killed=*/2, at / "sft/evaluations/step_20.json"));
  EXPECT_FALSE(fs::exists(at / "rank_2"));
  for (const int rank : {0, 1, 3}) {
    const std::string end = read_file(at / fmt::format("rank_{}", rank));
    EXPECT_NE(end.find("rank 2 is lost"), std::string::npos) << end;
    EXPECT_NE(end.find(fmt::format("rank {} of 4", rank)), std::string::npos) << end;
  }
  EXPECT_FALSE(fs::exists(at / "sft/step_60"));
  // With two processes; the weights then differ by the order of sums alone.
  ASSERT_TRUE(run(at, 2));
  const SafetensorsFile whole(folder / "whole/sft/step_60/adapter_model.safetensors"),
      resumed(at / "sft/step_60/adapter_model.safetensors");
  for (const auto& [name, entry] : whole.entries()) {
    const torch::Tensor a = to_tensor(entry, torch::kFloat64, name);
    const torch::Tensor b = to_tensor(resumed.entries().at(name), torch::kFloat64, name);
    EXPECT_LE((a - b).norm().item<double>(), 0.02 * a.norm().item<double>()) << name;
  }
}

}  // namespace
}  // namespace serendip
