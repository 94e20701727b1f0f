// JSON files of a model folder, with errors that name the file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace serendip {

// Throws Error naming the file when it cannot be read, is not JSON or holds anything but an object.
nlohmann::json read_json_object(const std::filesystem::path& path);

}  // namespace serendip
