#include "cli/command.h"

namespace serendip {

StageSpec import_stage() {
  return {
      "import",
      "import",
      "Read events, items and tags (CSV, TSV, Parquet) into data.h5",
      {"import"},
      [](const Recipe& recipe) {
        const ImportOptions& options = recipe.importing;
        return StagePaths{present({options.events, options.items, options.tags}), {recipe.data()}};
      },
      [](const Recipe& recipe) { return import_data(recipe.importing, recipe.data()); }};
}

void add_import(CLI::App& app) { add_stage_command(app, "import", import_stage()); }

}  // namespace serendip
