#include "report/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "report/page_assets.h"
#include "report/sections.h"

namespace serendip {
namespace {

// Nothing is fetched, whatever the artifacts hold.
constexpr const char* kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

std::string contents(const std::vector<HtmlSection>& sections) {
  std::string html = "<nav aria-label=\"Contents\"><ul>\n";
  for (const HtmlSection& section : sections)
    html +=
        fmt::format("<li><a href=\"#{}\">{}</a></li>\n", section.id, html_text(section.heading));
  return html + "</ul></nav>\n";
}

std::string page(const std::string& title, const std::vector<HtmlSection>& sections) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<link rel=\"icon\" href=\"data:,\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{3}\">\n"
      "<title>{0}</title>\n<style>\n{1}</style>\n</head>\n<body>\n"
      "<header>\n<h1>{0}</h1>\n{2}</header>\n<main>\n",
      html_text(title), kPageStyle, contents(sections), kPolicy);
  for (const HtmlSection& section : sections)
    html += fmt::format(
        "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">\n"
        "<h2 id=\"{0}-heading\">{1}</h2>\n{2}</section>\n",
        section.id, html_text(section.heading), section.body);
  return html + fmt::format("</main>\n<script>\n{}</script>\n</body>\n</html>\n", kPageScript);
}

}  // namespace

nlohmann::json write_report(const std::filesystem::path& folder,
                            const std::vector<std::string>& stages) {
  const RunArtifacts run = load_run_artifacts(folder, stages);
  const std::vector<HtmlSection> sections = {
      facts_section(run),       users_section(run),  cluster_section(run),  transition_section(run),
      pair_section(run),        label_section(run),  learning_section(run), evaluation_section(run),
      recommender_section(run), claims_section(run), pipeline_section(run), recipe_section(run)};
  const auto name = std::filesystem::absolute(folder).lexically_normal();
  const std::string html =
      page("Serendip run: " + (name.has_filename() ? name : name.parent_path()).filename().string(),
           sections);
  write_file(folder / "report.html", html);
  const auto missing =
      std::count_if(sections.begin(), sections.end(), [](const HtmlSection& section) {
        return section.body.find("<p class=\"missing\">") != std::string::npos;
      });
  return {{"page", (folder / "report.html").string()},
          {"bytes", html.size()},
          {"sections", sections.size()},
          {"missing", missing}};
}

}  // namespace serendip
