// The machine that a stage ran on.
#pragma once

#include <nlohmann/json.hpp>

namespace serendip {

// {"processor", "cores", "memory" (bytes), "system", "gpus" (names, as the driver knows them)};
// what the operating system does not tell is left out.
nlohmann::json machine_json();

}  // namespace serendip
