#include "cli/command.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/check.h"
#include "cli/text.h"
#include "cli/threads.h"
#include "distributed/launch.h"

namespace serendip {

std::unique_ptr<Recipe> RecipeArguments::load() const {
  auto loaded = std::make_unique<Recipe>();
  loaded->load(recipe, overrides);
  set_threads(loaded->run.threads);
  return loaded;
}

std::shared_ptr<RecipeArguments> add_recipe_arguments(CLI::App& command,
                                                      std::vector<std::string> sections) {
  auto arguments = std::make_shared<RecipeArguments>();
  command.add_option("--recipe", arguments->recipe, "YAML recipe; without one, defaults")
      ->type_name("FILE");
  command.add_flag("--json", arguments->json, "print the result as JSON on stdout");
  command.add_option("section.key=value", arguments->overrides, "settings over the recipe's")
      ->type_name("");
  sections.insert(sections.begin(), "run");
  command.footer([sections = std::move(sections)] {
    const Recipe recipe;
    std::string text = "Keys:\n";
    for (const std::string& section : sections) text += recipe.section(section).help();
    return text;
  });
  return arguments;
}

CLI::App& add_stage_command(CLI::App& parent, const std::string& name, const StageSpec& spec) {
  CLI::App& command = *parent.add_subcommand(name, spec.summary);
  const auto arguments = add_recipe_arguments(command, spec.sections);
  command.callback([&command, arguments, spec] {
    if (!command.get_subcommands().empty()) return;  // that one was meant
    const std::unique_ptr<Recipe> recipe = arguments->load();
    const nlohmann::json result = execute(spec, *recipe).result;
    if (launch_info().rank == 0) print_result(result, arguments->json);
  });
  return command;
}

void print(const std::string& text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  SERENDIP_CHECK(written == text.size() && std::fflush(stdout) == 0, "stdout: cannot write: {}",
                 strerror(errno));
}

void print_result(const nlohmann::json& result, bool json) {
  print(json ? result.dump(1) + "\n" : key_value_lines(result));
}

}  // namespace serendip
