// What the program is made of.
#pragma once

#include <nlohmann/json.hpp>

namespace serendip {

// {"commit" ("unknown" outside a checkout), "compiler", "libraries": {name: version}}.
nlohmann::json software_json();

}  // namespace serendip
