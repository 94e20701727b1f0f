// Reading and writing safetensors files without Torch. Headers are checked as hostile input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <vector>

namespace serendip {

// One tensor in a mapped file.
struct SafetensorsEntry {
  std::string dtype;  // "F32", "BF16", "F16", "I64", …
  std::vector<int64_t> shape;
  const uint8_t* data = nullptr;  // in the mapping, while the reader lives; maybe unaligned
  int64_t bytes = 0;

  int64_t numel() const {
    return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  }
};

// A memory-mapped file. Throws Error with file name, expected and actual bytes when truncated, and
// for header length, JSON, dtype, offsets, overlaps, shape overflow or duplicate names that do not
// hold.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&& other) noexcept;
  SafetensorsFile(const SafetensorsFile&) = delete;

  const std::map<std::string, SafetensorsEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Gives the memory of an entry's pages back; another look reads them from the file again.
  void release(const SafetensorsEntry& entry) const;

 private:
  std::filesystem::path path_;
  void* mapping_ = nullptr;
  size_t size_ = 0;
  std::map<std::string, SafetensorsEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

// Written atomically, data in the order of `tensors`, each data pointer read once.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, SafetensorsEntry>>& tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}});

// The files of a model folder: model.safetensors, or the shards named by its index.
std::vector<std::filesystem::path> safetensors_files(const std::filesystem::path& model_folder);

}  // namespace serendip
