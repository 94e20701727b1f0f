#include "cli/command.h"
#include "cli/interests.h"
#include "cli/recommend_users.h"

namespace serendip {

StageSpec recommend_train_stage() {
  return {"recommend_train",
          "recommend train",
          "Train the sequence recommender: recommender/",
          {"recommend"},
          [](const Recipe& recipe) {
            return StagePaths{{recipe.data(), recipe.tree()}, {recipe.recommender()}};
          },
          [](const Recipe& recipe) {
            return train_recommender(recipe.recommend, recipe.data(), recipe.tree(),
                                     recipe.recommender());
          }};
}

namespace {

// Keyword search looks for the interest that the table has for the user.
nlohmann::json evaluate(const Recipe& recipe) {
  const auto with = [&](const ClustersFor& clusters) {
    return evaluate_recommender(recipe.recommend, recipe.data(), recipe.tree(),
                                recipe.recommender(), clusters);
  };
  if (recipe.recommend.policy != "keyword") return with({});
  const ClusterTree tree = load_tree(recipe.tree());
  const InterestLookup lookup = load_interests(recipe, tree);
  return with(clusters_for(lookup, {}));
}

}  // namespace

StageSpec recommend_eval_stage() {
  return {"recommend_eval",
          "recommend eval",
          "Measure HR@k and NDCG@k of the recommender by full ranking",
          {"recommend"},
          [](const Recipe& recipe) {
            StagePaths paths{{recipe.data(), recipe.tree(), recipe.recommender()}, {}};
            if (recipe.recommend.policy == "keyword") paths.inputs.push_back(recipe.table());
            return paths;
          },
          evaluate,
          /*on_several_processes=*/false,
          [](const Recipe& recipe) {
            return recipe.fine_tunes() || recipe.recommend.policy != "keyword";
          }};
}

StageSpec recommend_users_stage() {
  return {"recommend_users",
          "recommend users",
          "Show held-out users' new interests and items: recommendations.json",
          {"curate"},
          [](const Recipe& recipe) {
            return StagePaths{{recipe.data(), recipe.tree(), recipe.table(), recipe.recommender()},
                              {recipe.folder() / "recommendations.json"}};
          },
          [](const Recipe& recipe) { return recommend_users(recipe); },
          /*on_several_processes=*/false,
          [](const Recipe& recipe) { return recipe.fine_tunes(); }};
}

void add_recommend(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("recommend", "Train, measure, compare and explain the item recommender");
  command.require_subcommand(1);
  add_stage_command(command, "train", recommend_train_stage());
  add_stage_command(command, "eval", recommend_eval_stage());
  CLI::App& users = *command.add_subcommand("users", recommend_users_stage().summary);
  const auto arguments = add_recipe_arguments(users, recommend_users_stage().sections);
  users.callback([arguments] {
    const std::unique_ptr<Recipe> recipe = arguments->load();
    const nlohmann::json result = execute(recommend_users_stage(), *recipe).result;
    print(arguments->json ? result.dump(1) + "\n" : recommendations_text(result));
  });
  add_recommend_compare(command);
  add_recommend_explain(command);
  add_recommend_value(command);
}

}  // namespace serendip
