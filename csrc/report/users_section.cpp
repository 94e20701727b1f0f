// Held-out users walked through: history, interests, the new interest, its items.
#include <fmt/format.h>

#include <cmath>

#include "report/sections.h"

namespace serendip {
namespace {

std::string items_list(const std::vector<JsonField>& items) {
  std::string html;
  for (const JsonField& item : items)
    html += fmt::format("<li>{}</li>", html_text(item.at("title").text()));
  return "<ol>" + html + "</ol>";
}

std::string definition(const char* term, const std::string& html) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", term, html);
}

std::string joined(const std::vector<std::string>& texts, const char* separator) {
  std::string html;
  for (const std::string& text : texts) html += (html.empty() ? "" : separator) + html_text(text);
  return html;
}

std::string user_card(const JsonField& user) {
  const JsonField interest = user.at("interest");
  return fmt::format(
      "<article><h3>User {}</h3>\n<dl>\n{}{}{}{}</dl></article>\n",
      html_text(user.at("user").text()),
      definition("Saw last", joined(user.at("history").texts(), "; ")),
      definition("Interests, oldest first", joined(user.at("context").texts(), " → ")),
      definition("New interest", fmt::format("<strong>{}</strong> (probability {:.2g})",
                                             html_text(interest.at("description").text()),
                                             std::exp(interest.at("log_prob").number()))),
      definition("Its items for this user", items_list(user.at("items").items())));
}

}  // namespace

HtmlSection users_section(const RunArtifacts& run) {
  HtmlSection section{"users", "Users walked through", {}};
  const std::filesystem::path path = run.folder / "recommendations.json";
  if (!std::filesystem::exists(path)) {
    section.body = html_missing("recommendations.json", "serendip recommend users");
    return section;
  }
  const nlohmann::json json = read_json(path);
  const std::vector<JsonField> users = JsonField(json, path.string()).at("users").items();
  if (users.empty()) {
    section.body = html_paragraph("No held-out user has a label new to them in the table.");
    return section;
  }
  section.body = html_paragraph(
      "The first held-out users for whom the table has an interest that they never touched. The "
      "language model names it from their latest interests; the recommender ranks its items.");
  section.body += "<div class=\"users\">\n";
  for (const JsonField& user : users) section.body += user_card(user);
  section.body += "</div>\n";
  return section;
}

}  // namespace serendip
