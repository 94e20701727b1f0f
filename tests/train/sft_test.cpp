// Some tests fork, which LibTorch's threads survive only when nothing ran before: one test a
// process, as ctest does. Fine-tuning stories260K on a small world: it learns, resumes to the bit
// after SIGKILL, and chooses.
#include "train/sft.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/file.h"
#include "clusters/tree.h"
#include "infer/generate.h"
#include "infer/language_model.h"
#include "infer/pair_table.h"
#include "tests/base/temporary_folder.h"
#include "tests/infer/small_language.h"
#include "tests/lm/test_data.h"
#include "train/evaluate.h"
#include "transitions/transitions.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kTopics = {"dog, park", "cat, milk", "big tree", "red ball",
                                          "blue sky",  "toy car",   "sun, day", "bird, song"};

// One item a cluster; 8 clusters at the planning level.
ClusterTree small_tree() {
  ClusterTree tree;
  const auto clusters = static_cast<int32_t>(kTopics.size());
  tree.item_traffic.assign(kTopics.size(), 1);
  for (size_t level = 0; level < kTreeLevels; ++level) {
    TreeLevel& at = tree.levels[level];
    for (int32_t i = 0; i < clusters; ++i) at.assignment.push_back(level == 0 ? i / 4 : i);
    const int32_t count = level == 0 ? 2 : clusters;
    for (int32_t c = 0; c < count; ++c) {
      at.parent.push_back(level == 0 ? -1 : level == 1 ? c / 4 : c);
      at.traffic.push_back(level == 0 ? 4 : 1);
      at.description.push_back(level == 0 ? "half " + std::to_string(c)
                                          : kTopics[static_cast<size_t>(c)]);
    }
  }
  return tree;
}

// (a, b) -> b + 1, for every third pair in one set and the pairs after them in the other.
TransitionSet successors(int32_t phase) {
  TransitionSet set;
  for (int32_t a = 0; a < 8; ++a) {
    for (int32_t b = 0; b < 8; ++b) {
      if ((a + b) % 3 != phase || a == b || a == (b + 1) % 8) continue;
      set.context.insert(set.context.end(), {a, b});
      set.label.push_back((b + 1) % 8);
      set.count.push_back(1);
    }
  }
  return set;
}

class SftTest : public testing::Test {
 protected:
  void SetUp() override {
    model.path = shared_data("stories260K").string();
    if (!fs::exists(model.path)) GTEST_SKIP() << model.path << " is absent";
    model.prompt_template = "{1}. {2}. ";
    options.steps = 6;
    options.batch_size = 4;
    options.lora_rank = 4;
    options.lora_dropout = 0.1;
    eval.every = 2;
    eval.match_contexts = 8;
    eval.sample = 8;
    eval.choose = "recall_at_1";  // there are 8 labels
    eval.final_match_contexts = 16;
    eval.final_transitions = 16;
  }
  static void prepare(const fs::path& folder) {
    save_tree(small_tree(), folder / "tree.h5");
    save_transition_set(successors(0), folder / "sft_balanced.jsonl");
    save_transition_set(successors(1), folder / "dev.jsonl");
    save_transition_set(successors(2), folder / "test.jsonl");
    Transitions transitions;
    transitions.all = successors(0);
    const TransitionSet test = successors(2);
    transitions.test.context = test.context;
    transitions.test.label = test.label;
    for (size_t t = 0; t < test.label.size(); ++t)
      transitions.test.user.push_back(static_cast<int32_t>(t / 2));
    save_transitions(transitions, folder / "transitions.h5");
  }
  // Runs `sft` in a child; kills it as soon as `path` is there, when one is given.
  void sft_in_child(const fs::path& folder, const fs::path& kill_at = {}) const {
    const pid_t child = fork();
    if (child == 0) {
      try {
        sft(model, options, eval, folder);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        _exit(1);
      }
      _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
      if (!kill_at.empty() && fs::exists(kill_at)) kill(child, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (kill_at.empty()) {
      EXPECT_EQ(status, 0);
    } else {
      EXPECT_TRUE(WIFSIGNALED(status));
    }
  }

  TemporaryFolder folder;
  ModelOptions model;
  SftOptions options;
  EvalOptions eval;
};

TEST_F(SftTest, KilledAndResumedEndsWithTheSameWeights) {
  for (const char* mode : {"lora", "full"}) {
    SCOPED_TRACE(mode);
    options.mode = mode;
    const fs::path whole = folder / (std::string(mode) + "_whole");
    prepare(whole);
    sft_in_child(whole);
    const char* weights =
        options.mode == "lora" ? "adapter_model.safetensors" : "model.safetensors";
    const std::string expected = read_file(whole / "sft/step_6" / weights);
    for (const char* moment :
         {"sft/step_2", "sft/step.tmp/trainer", "sft/evaluations/step_4.json"}) {
      SCOPED_TRACE(moment);
      const fs::path killed = folder / "killed";
      fs::remove_all(killed);
      prepare(killed);
      sft_in_child(killed, killed / moment);
      sft_in_child(killed);
      EXPECT_TRUE(read_file(killed / "sft/step_6" / weights) == expected);
      EXPECT_EQ(fs::read_symlink(killed / "sft/best"), fs::read_symlink(whole / "sft/best"));
    }
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
  generate(model, generating, folder.path());
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

TEST_F(SftTest, WithoutSamplesItSaysSo) {
  prepare(folder.path());
  write_file(folder / "sft_balanced.jsonl", "");
  EXPECT_NE(error_of([&] { sft(model, options, eval, folder.path()); }).find("sft_balanced.jsonl"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
