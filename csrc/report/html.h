// Pieces of an HTML page: text that is escaped, tables, figures.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/chart.h"

namespace serendip {

struct HtmlSection {
  std::string id, heading, body;
};

// For an element's content or a quoted attribute's; control characters become blanks.
std::string html_text(std::string_view text);
std::string html_paragraph(std::string_view text);
// One line in the place of what a run lacks; `command` makes it.
std::string html_missing(std::string_view what, std::string_view command);

// Cells are plain text. The first column names its row; the others stand to the right where
// `numeric`.
struct HtmlTable {
  std::string caption;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows = {};
  bool numeric = true;
};
// In a region of its own that scrolls where the window is narrower.
std::string html_table(const HtmlTable& table);

// An SVG with plain text below it.
std::string html_figure(const std::string& svg, std::string_view caption);
// Closed until asked for; `body` is HTML.
std::string html_details(std::string_view summary, const std::string& body);
// Text as it stands, in a fixed-width font.
std::string html_preformatted(std::string_view text);

// A JSON document as the content of a <script> element, which it cannot end.
std::string script_json(const std::string& json);
// RFC 4648, with padding.
std::string base64(std::string_view bytes);

}  // namespace serendip
