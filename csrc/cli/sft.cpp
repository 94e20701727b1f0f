#include "cli/command.h"

namespace serendip {

StageSpec sft_stage() {
  return {"sft",
          "sft",
          "Fine-tune the LLM, evaluating as it goes: sft/step_N, sft/best",
          {"model", "sft", "eval"},
          [](const Recipe& recipe) {
            const std::filesystem::path folder = recipe.folder();
            return StagePaths{present({recipe.model.path, recipe.tree(), folder / "transitions.h5",
                                       folder / "sft_balanced.jsonl", folder / "sft_random.jsonl",
                                       folder / "dev.jsonl", folder / "test.jsonl"}),
                              {folder / "sft" / "best"}};
          },
          [](const Recipe& recipe) {
            return sft(recipe.model, recipe.sft, recipe.eval, recipe.folder());
          },
          /*on_several_processes=*/true,
          [](const Recipe& recipe) { return recipe.fine_tunes(); }};
}

void add_sft(CLI::App& app) { add_stage_command(app, "sft", sft_stage()); }

}  // namespace serendip
