// Fine-tuning stories260K on eight clusters: (a, b) is followed by b + 1.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/base/temporary_folder.h"
#include "tests/infer/small_tree.h"
#include "tests/lm/test_data.h"
#include "train/sft.h"
#include "transitions/transitions.h"

namespace serendip {

// (a, b) -> b + 1, for every third pair in one set and the pairs after them in the other.
inline TransitionSet successors(int32_t phase) {
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

class SmallFineTuning : public testing::Test {
 protected:
  void SetUp() override {
    model.path = shared_data("stories260K").string();
    if (!std::filesystem::exists(model.path)) GTEST_SKIP() << model.path << " is absent";
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
  static void prepare(const std::filesystem::path& folder) {
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

  static std::vector<double> losses_of(const std::filesystem::path& folder) {
    std::vector<double> values;
    std::ifstream lines(folder / "sft/metrics.jsonl");
    for (std::string line; std::getline(lines, line);) {
      const auto entry = nlohmann::json::parse(line);
      if (entry.contains("learning_rate")) values.push_back(entry.at("loss"));
    }
    return values;
  }

  TemporaryFolder folder;
  ModelOptions model;
  SftOptions options;
  EvalOptions eval;
};

}  // namespace serendip
