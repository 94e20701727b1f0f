#include "base/hash.h"

#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <vector>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

std::string to_hex(XXH128_hash_t hash) {
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

void hash_stream(const fs::path& path, XXH3_state_t* state) {
  std::ifstream in(path, std::ios::binary);
  SERENDIP_CHECK(in.good(), "{}: cannot open", path.string());
  std::vector<char> buffer(1 << 20);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    XXH3_128bits_update(state, buffer.data(), static_cast<size_t>(in.gcount()));
  }
  SERENDIP_CHECK(in.eof(), "{}: cannot read", path.string());
}

}  // namespace

uint64_t hash64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string hash_hex(std::string_view bytes) {
  return to_hex(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string hash_path(const fs::path& path) {
  SERENDIP_CHECK(fs::exists(path), "{}: no such file or folder", path.string());
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_128bits_reset(state.get());
  if (!fs::is_directory(path)) {
    hash_stream(path, state.get());
    return to_hex(XXH3_128bits_digest(state.get()));
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = fs::relative(file, path).string();
    XXH3_128bits_update(state.get(), name.data(), name.size() + 1);
    hash_stream(file, state.get());
  }
  return to_hex(XXH3_128bits_digest(state.get()));
}

}  // namespace serendip
