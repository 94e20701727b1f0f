#include <fmt/format.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/comparison_text.h"
#include "cli/text.h"
#include "infer/label_distribution.h"
#include "train/blend.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

struct TableArguments {
  std::vector<std::string> tables;
  std::string svg;
  bool json = false;
};

std::shared_ptr<TableArguments> add_table_arguments(CLI::App& command, int tables) {
  auto arguments = std::make_shared<TableArguments>();
  command.add_option("TABLE", arguments->tables, "table.h5")
      ->required()
      ->expected(tables)
      ->type_name("");
  command.add_option("--svg", arguments->svg, "also the picture")->type_name("FILE");
  command.add_flag("--json", arguments->json, "print the result as JSON on stdout");
  return arguments;
}

// "quickstart/table.h5" of runs/quickstart/table.h5, which a legend has room for.
std::string short_name(const fs::path& path) {
  return (path.parent_path().filename() / path.filename()).string();
}

void save_picture(const TableArguments& arguments, const std::vector<PairTable>& tables) {
  if (arguments.svg.empty()) return;
  std::vector<std::pair<std::string, LabelDistribution>> named;
  for (size_t i = 0; i < tables.size(); ++i)
    named.emplace_back(short_name(arguments.tables[i]), label_distribution(tables[i]));
  write_file(arguments.svg, charts_svg("labels", {label_distribution_chart(named)}));
}

void show_labels(const TableArguments& arguments) {
  const PairTable table = load_pair_table(arguments.tables[0]);
  const LabelDistribution distribution = label_distribution(table);
  nlohmann::json result = distribution.json();
  if (arguments.json) result["count"] = distribution.count;
  save_picture(arguments, {table});
  print_result(result, arguments.json);
}

void compare(const TableArguments& arguments) {
  const std::vector<PairTable> tables = {load_pair_table(arguments.tables[0]),
                                         load_pair_table(arguments.tables[1])};
  nlohmann::json result = compare_tables(tables[0], tables[1]);
  const nlohmann::json first = label_distribution(tables[0]).json(),
                       second = label_distribution(tables[1]).json();
  for (const auto& [key, value] : first.items())
    if (key != "labels") result[key] = {value, second.at(key)};
  save_picture(arguments, tables);
  print_result(result, arguments.json);
}

std::string blend_text(const nlohmann::json& result) {
  std::string text = key_value_lines(
      {{"occurrences", result.at("occurrences")}, {"weights", result.at("weights")}});
  for (const auto& [name, rows] : result.at("test").items()) {
    text += fmt::format("\nTest transitions, {} ({})\n{}", name,
                        value_text(result.at("transitions").at(name)), comparison_text(rows));
    for (const auto& [key, estimate] : result.at("differences").at(name).items())
      text += fmt::format("{}  {}\n", key, with_error(estimate.at("mean"), estimate.at("se")));
  }
  return text;
}

void add_blend(CLI::App& parent) {
  CLI::App& command = *parent.add_subcommand(
      "blend", "The table combined with counts, and what each is worth: table_blend.h5");
  const auto arguments = add_recipe_arguments(command, {});
  command.callback([arguments] {
    const std::unique_ptr<Recipe> recipe = arguments->load();
    const nlohmann::json result =
        blend_table(recipe->folder(), recipe->folder() / "table_blend.h5");
    print(arguments->json ? result.dump(1) + "\n" : blend_text(result));
  });
}

}  // namespace

void add_table(CLI::App& app) {
  CLI::App& command = *app.add_subcommand(
      "table", "How a table's labels are spread, how two differ, what counts add");
  command.require_subcommand(1);
  CLI::App& labels = *command.add_subcommand(
      "labels", "How the best labels are spread: entropy, shares, labels never answered");
  const auto one = add_table_arguments(labels, 1);
  labels.callback([one] { show_labels(*one); });
  CLI::App& both = *command.add_subcommand(
      "compare", "Two tables of the same contexts: agreement, and both spreads");
  const auto two = add_table_arguments(both, 2);
  both.callback([two] { compare(*two); });
  add_blend(command);
}

}  // namespace serendip
