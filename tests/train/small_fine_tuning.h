// Fine-tuning stories260K on eight clusters: (a, b) is followed by b + 1.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "clusters/tree.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"
#include "train/sft.h"
#include "transitions/transitions.h"

namespace serendip {

inline const std::vector<std::string> kTopics = {"dog, park", "cat, milk", "big tree",
                                                 "red ball",  "blue sky",  "toy car",
                                                 "sun, day",  "bird, song"};

// One item a cluster; 8 clusters at the planning level.
inline ClusterTree small_tree() {
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
