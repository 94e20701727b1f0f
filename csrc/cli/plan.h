// What a run will cost, worked out from the recipe alone: tokens, FLOPs, memory and disk.
//
// Notation: t template tokens, d tokens of a description, K clusters of a context, M clusters,
// B samples of a step, k labels kept. A prompt has t + K·d tokens, a label d + 1 with its
// terminator.
//   pretrain  a step has batch_size documents of at most `context` tokens; FLOPs = 3 · forward.
//   sft       a step has B·(t + (K+1)·d + 1) tokens; with the template shared, t + B·((K+1)·d + 1).
//             FLOPs = backward factor · forward, the vocabulary only at label positions; the factor
//             is 3 for full fine-tuning and 2 for LoRA, whose frozen weights need no gradient.
//   generate  a band has the prompt t + (K-1)·d once and per row d + searched nodes. The search
//   expands
//             8 + 6·k nodes (a measured mean on 64 labels of 8 tokens; plan.searched_nodes
//             overrides it), greedy d + 1, full M·(d + 1) at most.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/recipe.h"

namespace serendip {

enum class Unit { kCount, kFlops, kBytes, kSeconds };

struct Quantity {
  std::string stage, name;
  double value;
  Unit unit;
};

// Throws Error when neither model.path nor the section "plan" gives the model's shape.
std::vector<Quantity> plan_run(const Recipe& recipe);

// The stages with what they read and write, then the quantities.
std::string plan_text(const Recipe& recipe, const std::vector<Quantity>& quantities);
nlohmann::ordered_json plan_json(const Recipe& recipe, const std::vector<Quantity>& quantities);

}  // namespace serendip
