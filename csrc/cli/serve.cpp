#include "infer/server/serve.h"

#include "cli/command.h"
#include "cli/threads.h"

namespace serendip {

void add_serve(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("serve", "Answer over HTTP: context, novel interests, items");
  const auto arguments = add_recipe_arguments(command, {"curate", "serve"});
  command.callback([arguments] {
    const std::unique_ptr<Recipe> recipe = arguments->load();
    set_threads(1);  // requests are what is shared out over the cores
    server::serve(recipe->serve,
                  {recipe->data(), recipe->tree(), recipe->table(), recipe->recommender()},
                  recipe->curate.rule());
  });
}

}  // namespace serendip
