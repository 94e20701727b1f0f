// What an artifact holds, found from its content: HDF5, safetensors, JSON, JSONL, a model folder, a
// run folder or any other folder.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace serendip {

// An object with "kind", "path", "bytes" and what that kind has: "datasets" with name, dtype, shape
// and first values; "tensors" with dtype, shape and bytes; "lines" and "first"; "config"; "stages";
// "files". Throws Error naming the file when it is none of these, or broken.
nlohmann::ordered_json describe(const std::filesystem::path& path);
nlohmann::ordered_json describe_folder(const std::filesystem::path& path);

// The same for people to read.
std::string description_text(const nlohmann::ordered_json& description);

// A few rows of a pair table in words: context, best labels, low-high probability.
nlohmann::ordered_json describe_pair_table(const std::filesystem::path& path);

}  // namespace serendip
