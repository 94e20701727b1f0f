#include "base/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"

namespace serendip {

ScratchFile::ScratchFile(const std::filesystem::path& folder) : folder_(folder) {
  std::string name = (folder / "scratch.tmp.XXXXXX").string();
  descriptor_ = mkostemp(name.data(), O_CLOEXEC);
  SERENDIP_CHECK(descriptor_ >= 0, "{}: cannot create a scratch file: {}", folder.string(),
                 strerror(errno));
  unlink(name.c_str());
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : folder_(std::move(other.folder_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

ScratchFile::~ScratchFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void ScratchFile::write_bytes(std::span<const std::byte> bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(descriptor_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    SERENDIP_CHECK(written > 0, "{}: cannot write the scratch file: {}", folder_.string(),
                   strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += written;
  }
}

void ScratchFile::read_bytes(std::span<std::byte> bytes, int64_t offset) const {
  while (!bytes.empty()) {
    const ssize_t got = pread(descriptor_, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    SERENDIP_CHECK(got > 0, "{}: cannot read the scratch file: {}", folder_.string(),
                   got == 0 ? "it ends early" : strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(got));
    offset += got;
  }
}

}  // namespace serendip
