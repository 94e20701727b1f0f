#include "cli/command.h"
#include "train/evaluate.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// The stage over the checkpoints named, or over sft/best.
StageSpec stage_over(const std::vector<fs::path>& checkpoints) {
  return {"eval",
          "eval",
          "Match rate, recall and likelihood on held-out users: eval.json",
          {"model", "eval"},
          [checkpoints](const Recipe& recipe) {
            const fs::path folder = recipe.folder();
            StagePaths paths{present({recipe.model.path, recipe.tree(), folder / "transitions.h5",
                                      folder / "sft_balanced.jsonl", folder / "sft_random.jsonl",
                                      folder / "dev.jsonl", folder / "test.jsonl"}),
                             {folder / "eval.json"}};
            if (checkpoints.empty()) paths.inputs.push_back(folder / "sft" / "best");
            paths.inputs.insert(paths.inputs.end(), checkpoints.begin(), checkpoints.end());
            return paths;
          },
          [checkpoints](const Recipe& recipe) {
            return evaluate(recipe.model, recipe.eval, recipe.folder(), checkpoints);
          },
          /*on_several_processes=*/false,
          [](const Recipe& recipe) { return recipe.fine_tunes(); }};
}

}  // namespace

StageSpec eval_stage() { return stage_over({}); }

void add_eval(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("eval", eval_stage().summary);
  const auto arguments = add_recipe_arguments(command, eval_stage().sections);
  const auto checkpoints = std::make_shared<std::vector<std::string>>();
  command.add_option("--checkpoint", *checkpoints, "a checkpoint; repeat for several [sft/best]")
      ->type_name("FOLDER")
      ->expected(1)
      ->take_all();
  command.callback([arguments, checkpoints] {
    const std::unique_ptr<Recipe> recipe = arguments->load();
    const StageSpec stage = stage_over({checkpoints->begin(), checkpoints->end()});
    print_result(execute(stage, *recipe).result, arguments->json);
  });
}

}  // namespace serendip
