// Every stage: time, memory, machine, settings, result; the run's facts; the recipe.
#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/gnuplot.h"
#include "base/quantity_text.h"
#include "report/sections.h"

namespace serendip {
namespace {

struct Fact {
  const char *name, *stage, *key;
};
constexpr Fact kFacts[] = {{"users", "import", "users"},
                           {"items", "import", "items"},
                           {"events", "import", "events"},
                           {"transitions of training users", "curate", "transitions"},
                           {"of them distinct", "curate", "distinct"},
                           {"fine-tuning samples, balanced", "curate", "balanced"},
                           {"steps of fine-tuning", "sft", "steps"},
                           {"chosen step", "sft", "best_step"},
                           {"match rate", "eval", "match_rate"},
                           {"rows of the pair table", "generate", "rows"},
                           {"labels a row", "generate", "k"},
                           {"search", "generate", "mode"},
                           {"parameters of the recommender", "recommend_train", "parameters"}};

std::string machine_text(const JsonField& machine) {
  std::vector<std::string> parts;
  if (const auto processor = machine.find("processor")) parts.push_back(processor->text());
  if (const auto cores = machine.find("cores"))
    parts.push_back(fmt::format("{} cores", cores->integer()));
  if (const auto memory = machine.find("memory")) parts.push_back(bytes_text(memory->number()));
  if (const auto gpus = machine.find("gpus"))
    for (const std::string& gpu : gpus->texts()) parts.push_back(gpu);
  if (const auto system = machine.find("system")) parts.push_back(system->text());
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string libraries_text(const JsonField& software) {
  std::string text = software.at("compiler").text();
  for (const auto& [name, version] : software.at("libraries").members())
    text += ", " + name + " " + version.text();
  return text;
}

// Stages by the machine and the program that ran them.
HtmlTable machine_table(const RunArtifacts& run) {
  HtmlTable table{"Hardware and versions", {"stages", "machine", "Serendip", "made with"}};
  table.numeric = false;
  for (const auto& [stage, json] : run.manifests) {
    const JsonField manifest = *run.manifest(stage);
    const auto machine = manifest.find("machine"), software = manifest.find("software");
    std::vector<std::string> row = {stage, machine ? machine_text(*machine) : "not recorded",
                                    manifest.at("version").text(), "not recorded"};
    if (software) {
      row[2] += ", commit " + software->at("commit").text();
      row[3] = libraries_text(*software);
    }
    const auto same = std::find_if(table.rows.begin(), table.rows.end(), [&](const auto& other) {
      return std::equal(row.begin() + 1, row.end(), other.begin() + 1);
    });
    same == table.rows.end() ? table.rows.push_back(row) : void((*same)[0] += ", " + stage);
  }
  return table;
}

HtmlTable timing_table(const RunArtifacts& run) {
  HtmlTable table{"Time and memory of every stage", {"stage", "time", "share", "peak memory"}};
  double all = 0, memory = 0;
  for (const auto& [stage, json] : run.manifests)
    all += run.manifest(stage)->at("seconds").number();
  for (const auto& [stage, json] : run.manifests) {
    const JsonField manifest = *run.manifest(stage);
    const double seconds = manifest.at("seconds").number();
    const double peak = manifest.at("peak_memory").number();
    memory = std::max(memory, peak);
    table.rows.push_back({stage, duration_text(seconds),
                          fmt::format("{:.1f}%", all > 0 ? 100 * seconds / all : 0),
                          bytes_text(peak)});
  }
  table.rows.push_back({"all", duration_text(all), "", bytes_text(memory)});
  return table;
}

std::string json_text(const JsonField& field) {
  return field.json().dump(1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string stage_details(const JsonField& manifest) {
  std::string body = "<h3>Settings</h3>\n" + html_preformatted(manifest.at("settings").text());
  for (const auto& [key, heading] : {std::pair{"inputs", "Inputs and their hashes"},
                                     {"outputs", "Outputs and their hashes"},
                                     {"result", "Result"}})
    if (const auto field = manifest.find(key))
      body += fmt::format("<h3>{}</h3>\n{}", heading, html_preformatted(json_text(*field)));
  return body;
}

}  // namespace

HtmlSection facts_section(const RunArtifacts& run) {
  HtmlSection section{"run", "This run", {}};
  HtmlTable table{"Facts of the run", {"what", "value"}};
  for (const auto& [name, stage, key] : kFacts) {
    const std::optional<JsonField> result = run.result(stage);
    if (const auto value = result ? result->find(key) : std::nullopt)
      table.rows.push_back({name, value_text(value->json())});
  }
  if (run.tree)
    table.rows.push_back(
        {"interest clusters, levels 1 to 4",
         fmt::format("{}, {}, {}, {}", run.tree->level(1).cluster_count(),
                     run.tree->level(2).cluster_count(), run.tree->level(3).cluster_count(),
                     run.tree->level(4).cluster_count())});
  section.body =
      table.rows.empty() ? html_missing("finished stage", "serendip run") : html_table(table);
  return section;
}

HtmlSection pipeline_section(const RunArtifacts& run) {
  HtmlSection section{"pipeline", "Pipeline", {}};
  if (run.manifests.empty()) {
    section.body = html_missing("finished stage", "serendip run");
    return section;
  }
  section.body = html_table(timing_table(run)) + html_table(machine_table(run)) +
                 html_paragraph("Figures are drawn by gnuplot " + gnuplot_version() + ".") +
                 html_paragraph("Each stage with the settings that it ran with:");
  for (const auto& [stage, json] : run.manifests)
    section.body += html_details(stage, stage_details(*run.manifest(stage)));
  return section;
}

HtmlSection recipe_section(const RunArtifacts& run) {
  HtmlSection section{"recipe", "Recipe", {}};
  const std::filesystem::path path = run.folder / "recipe.yaml";
  section.body = std::filesystem::exists(path)
                     ? html_paragraph("Every key, as the latest run resolved it.") +
                           html_details("recipe.yaml", html_preformatted(read_file(path)))
                     : html_missing("recipe.yaml", "serendip run");
  return section;
}

}  // namespace serendip
