#include "lm/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "lm/safetensors_header.h"

namespace serendip {
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

SafetensorsFile::SafetensorsFile(const fs::path& path) : path_(path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  SERENDIP_CHECK(descriptor >= 0, "{}: cannot open: {}", path.string(), strerror(errno));
  struct stat status {};
  fstat(descriptor, &status);
  size_ = S_ISREG(status.st_mode) ? static_cast<size_t>(status.st_size) : 0;
  if (size_ > 0) mapping_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
  const int error = errno;
  close(descriptor);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    fail("{}: cannot map {} bytes: {}", path.string(), size_, strerror(error));
  }
  try {
    const auto* bytes = static_cast<const uint8_t*>(mapping_);
    parse_safetensors_header({bytes, size_}, path.string(), entries_, metadata_);
  } catch (...) {
    if (mapping_ != nullptr) munmap(mapping_, size_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() {
  if (mapping_ != nullptr) munmap(mapping_, size_);
}

SafetensorsFile::SafetensorsFile(SafetensorsFile&& other) noexcept
    : path_(std::move(other.path_)),
      mapping_(std::exchange(other.mapping_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      entries_(std::move(other.entries_)),
      metadata_(std::move(other.metadata_)) {}

void SafetensorsFile::release(const SafetensorsEntry& entry) const {
  if (entry.bytes == 0) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t into_page = reinterpret_cast<uintptr_t>(entry.data) % page;
  madvise(const_cast<uint8_t*>(entry.data) - into_page,
          static_cast<size_t>(entry.bytes) + into_page, MADV_DONTNEED);
}

void write_safetensors(const fs::path& path,
                       const std::vector<std::pair<std::string, SafetensorsEntry>>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = make_safetensors_header(tensors, metadata, path.string());
  write_atomically(path, [&](const fs::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    out.write(header.data(), static_cast<std::streamsize>(header.size()));
    for (const auto& [name, tensor] : tensors) {
      out.write(reinterpret_cast<const char*>(tensor.data), tensor.bytes);
    }
    out.flush();
    SERENDIP_CHECK(out.good(), "{}: cannot write: {}", path.string(), strerror(errno));
  });
}

std::vector<fs::path> safetensors_files(const fs::path& model_folder) {
  const fs::path single = model_folder / "model.safetensors";
  if (fs::exists(single)) return {single};
  const fs::path index = model_folder / "model.safetensors.index.json";
  SERENDIP_CHECK(fs::exists(index),
                 "{}: neither model.safetensors nor model.safetensors.index.json is there",
                 model_folder.string());
  std::vector<fs::path> files;
  for (const std::string& name : shard_names(index)) {
    files.push_back(model_folder / name);
    SERENDIP_CHECK(fs::exists(files.back()), "{}: missing, although {} names it",
                   files.back().string(), index.filename().string());
  }
  return files;
}

}  // namespace serendip
