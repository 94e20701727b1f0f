#include "cli/command.h"

namespace serendip {

StageSpec embed_stage() {
  return {"embed",
          "embed",
          "Embed the items from content or from own vectors: embedding.h5",
          {"embed"},
          [](const Recipe& recipe) {
            return StagePaths{present({recipe.data(), recipe.embed.vectors}), {recipe.embedding()}};
          },
          [](const Recipe& recipe) {
            return embed_items(recipe.embed, recipe.data(), recipe.embedding());
          }};
}

void add_embed(CLI::App& app) { add_stage_command(app, "embed", embed_stage()); }

}  // namespace serendip
