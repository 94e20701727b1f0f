// Pictures by gnuplot, as SVG.
#pragma once

#include <string>

namespace serendip {

struct Picture {
  std::string name;           // a prefix of the SVG's ids: unique among the pictures of a page
  std::string title;          // what a screen reader says of it
  int width = 0, height = 0;  // pixels
  std::string script;         // gnuplot's commands, without terminal and output
};

// One <svg> element, a whole file as well as a part of an HTML page; the same bytes for the same
// picture and gnuplot. Throws Error where gnuplot is not installed, naming its package, or refuses
// the script, with what it said.
std::string draw_svg(const Picture& picture);

// Whether the shell's PATH has it.
bool gnuplot_is_installed();
// "5.4 patchlevel 4". Throws Error where gnuplot is not installed.
std::string gnuplot_version();

// As gnuplot takes a string: between single quotes, in which it evaluates nothing.
std::string gnuplot_quoted(const std::string& text);

}  // namespace serendip
