// XXH3 content hashes, for manifests and for keys that must be stable across runs and machines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace serendip {

// Stable across platforms and versions of this project.
uint64_t hash64(std::string_view bytes);
// 128 bits as 32 hexadecimal digits.
std::string hash_hex(std::string_view bytes);
// Of a file's content, or of a folder: the names and contents of its files in name order.
std::string hash_path(const std::filesystem::path& path);

}  // namespace serendip
