// A model, or an adapter folded into its base, as a plain Hugging Face folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace serendip {

struct ModelExportOptions {
  bool merge = false;                      // required of an adapter
  std::string dtype = "float32";           // or bfloat16, float16
  int64_t max_shard_size = 5'000'000'000;  // bytes
};

// `target` appears whole or not at all. Throws Error when it exists and is not empty, or when
// `source` is an adapter and merge is false.
void export_model(const std::filesystem::path& source, const std::filesystem::path& target,
                  const ModelExportOptions& options);

}  // namespace serendip
