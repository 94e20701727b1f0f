#include "report/html.h"

#include <fmt/format.h>

namespace serendip {

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < ' ' && c != '\n' ? ' ' : c;
    }
  }
  return escaped;
}

std::string html_paragraph(std::string_view text) {
  return fmt::format("<p>{}</p>\n", html_text(text));
}

std::string html_missing(std::string_view what, std::string_view command) {
  return fmt::format("<p class=\"missing\">No {} in this run; <code>{}</code> makes it.</p>\n",
                     html_text(what), html_text(command));
}

std::string html_table(const HtmlTable& table) {
  std::string html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\">\n<table{1}>\n"
      "<caption>{0}</caption>\n<thead><tr>",
      html_text(table.caption), table.numeric ? " class=\"numeric\"" : "");
  for (const std::string& column : table.columns)
    html += fmt::format("<th scope=\"col\">{}</th>", html_text(column));
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (size_t c = 0; c < row.size(); ++c)
      html += fmt::format(fmt::runtime(c == 0 ? "<th scope=\"row\">{}</th>" : "<td>{}</td>"),
                          html_text(row[c]));
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string html_figure(const std::string& svg, std::string_view caption) {
  return fmt::format(
      "<figure><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Figure: {}\">\n"
      "{}</div>\n<figcaption>{}</figcaption></figure>\n",
      html_text(caption.substr(0, caption.find('.'))), svg, html_text(caption));
}

std::string html_details(std::string_view summary, const std::string& body) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", html_text(summary), body);
}

std::string html_preformatted(std::string_view text) {
  return fmt::format("<pre tabindex=\"0\">{}</pre>\n", html_text(text));
}

std::string script_json(const std::string& json) {
  std::string escaped;
  for (const char c : json) c == '<' ? escaped += "\\u003c" : escaped += c;
  return escaped;
}

std::string base64(std::string_view bytes) {
  constexpr const char* kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const size_t present = std::min<size_t>(3, bytes.size() - at);
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < present ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (size_t i = 0; i < 4; ++i) text += i <= present ? kDigits[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

}  // namespace serendip
