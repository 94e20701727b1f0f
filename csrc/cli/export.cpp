#include "cli/command.h"
#include "clusters/tree.h"
#include "infer/model_export.h"
#include "infer/table_export.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// With the descriptions of the tree beside the table, where there is one.
void export_pairs(const fs::path& source, const fs::path& target) {
  const fs::path tree = source.parent_path() / "tree.h5";
  std::vector<std::string> descriptions;
  if (fs::exists(tree)) descriptions = load_tree(tree).planning().description;
  export_table(load_pair_table(source), descriptions, target);
}

}  // namespace

void add_export(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "export", "A table as CSV or Parquet, a model or merged adapter as a plain folder");
  struct Arguments {
    std::string source, target;
    ModelExportOptions model;
  };
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("SOURCE", arguments->source, "table.h5, or a model or adapter folder")
      ->required()
      ->type_name("");
  command.add_option("TARGET", arguments->target, "NAME.csv, NAME.parquet, or a new folder")
      ->required()
      ->type_name("");
  command.add_flag("--merge", arguments->model.merge, "fold an adapter into its base model");
  command.add_option("--dtype", arguments->model.dtype, "of the weights written")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}))
      ->capture_default_str();
  command
      .add_option("--max-shard-size", arguments->model.max_shard_size,
                  "of a file of weights: bytes, or 500MB, 5GB (default 5GB)")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true));
  command.callback([arguments] {
    if (fs::is_directory(arguments->source))
      export_model(arguments->source, arguments->target, arguments->model);
    else
      export_pairs(arguments->source, arguments->target);
  });
}

}  // namespace serendip
