// The JSON in front of a safetensors file, read as hostile input and written aligned.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lm/safetensors.h"

namespace serendip {

// Fills `entries` (data pointers into `file`) and `metadata`. Throws Error beginning with `where`
// unless the tensors fill the file exactly: no overlap, no hole, nothing behind the last.
void parse_safetensors_header(std::span<const uint8_t> file, const std::string& where,
                              std::map<std::string, SafetensorsEntry>& entries,
                              std::map<std::string, std::string>& metadata);

// Length and JSON, padded with spaces to a multiple of 8 bytes; data follow in the order given.
// Throws Error for a repeated name or a tensor whose bytes do not fit its dtype and shape.
std::string make_safetensors_header(
    const std::vector<std::pair<std::string, SafetensorsEntry>>& tensors,
    const std::map<std::string, std::string>& metadata, const std::string& where);

// File names in the "weight_map" of model.safetensors.index.json.
std::set<std::string> shard_names(const std::filesystem::path& index);

}  // namespace serendip
