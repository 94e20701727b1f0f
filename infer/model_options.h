// Which LLM, and how it is asked.
#pragma once

#include <string>

#include "base/options.h"

namespace serendip {

// Section "model".
struct ModelOptions {
  std::string path;
  std::string prompt_template =
      "A viewer's interests, each a list of keywords. After two known interests comes a new one.\n"
      "{1}\n{2}\n";
  std::string dtype = "float32", device = "cpu";
  void declare(OptionSet& set);
};

}  // namespace serendip
