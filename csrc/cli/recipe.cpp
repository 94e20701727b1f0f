#include "cli/recipe.h"

#include <algorithm>

#include "base/check.h"

namespace serendip {

void RunOptions::declare(OptionSet& set) {
  set.add("folder", folder, "run folder: every artifact of the run lies in it");
  set.add("threads", threads, "CPU threads; 0 takes all", at_least(int64_t{0}));
}

Recipe::Recipe() {
  const auto add = [this](const char* name, auto& options) {
    options.declare(sections.emplace_back(name));
  };
  add("run", run);
  add("world", world);
  add("import", importing);
  add("embed", embed);
  add("cluster", cluster);
  add("curate", curate);
  add("pretrain", pretrain);
  add("model", model);
  add("sft", sft);
  add("eval", eval);
  add("generate", generate);
  add("recommend", recommend);
  add("experiment", experiment);
  add("serve", serve);
  add("plan", plan);
}

void Recipe::load(const std::filesystem::path& path, const std::vector<std::string>& overrides) {
  std::vector<OptionSet*> sets;
  for (OptionSet& set : sections) sets.push_back(&set);
  load_recipe(path, overrides, sets);
}

const OptionSet& Recipe::section(const std::string& name) const {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [&](const OptionSet& set) { return set.section() == name; });
  SERENDIP_CHECK(found != sections.end(), "no recipe section '{}'", name);
  return *found;
}

bool Recipe::imports_its_world() const {
  const std::filesystem::path events = importing.events;
  return events.has_parent_path() &&
         events.parent_path().lexically_normal() == world_folder().lexically_normal();
}

bool Recipe::pretrains_its_model() const {
  return pretrain.steps > 0 &&
         std::filesystem::path(model.path).lexically_normal() == base_model().lexically_normal();
}

std::string Recipe::yaml() const {
  std::string text;
  for (const OptionSet& set : sections) {
    text += set.section() + ":\n";
    for (const OptionSet::Option& option : set.options())
      text += fmt::format("  {}: {}\n", option.key, option.text());
  }
  return text;
}

}  // namespace serendip
