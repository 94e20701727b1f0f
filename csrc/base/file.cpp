#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

void flush_to_disk(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  SERENDIP_CHECK(descriptor >= 0, "{}: cannot open to flush: {}", path.string(), strerror(errno));
  const int status = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  SERENDIP_CHECK(status == 0 || error == EINVAL, "{}: cannot flush: {}", path.string(),
                 strerror(error));
}

}  // namespace

void write_atomically(const fs::path& path, const std::function<void(const fs::path&)>& write) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  const fs::path temporary = fmt::format("{}.tmp.{}", path.string(), getpid());
  try {
    write(temporary);
    flush_to_disk(temporary);
    fs::rename(temporary, path);
    flush_to_disk(folder);
  } catch (const fs::filesystem_error& error) {
    fs::remove(temporary, ignored);
    fail("{}: cannot write: {}", path.string(), error.code().message());
  } catch (...) {
    fs::remove(temporary, ignored);
    throw;
  }
}

void remove_leftovers(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string prefix = path.filename().string() + ".tmp.";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with(prefix)) fs::remove_all(entry, ignored);
}

void write_file(const fs::path& path, std::string_view content) {
  write_atomically(path, [&](const fs::path& temporary) {
    std::ofstream out(temporary, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.flush();
    SERENDIP_CHECK(out.good(), "{}: cannot write {} bytes: {}", path.string(), content.size(),
                   strerror(errno));
  });
}

void write_folder(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  const fs::path temporary = path.string() + ".tmp";
  std::error_code ignored;
  try {
    fs::remove_all(temporary);
    fs::create_directories(temporary);
    fill(temporary);
    flush_to_disk(temporary);
    fs::remove_all(path);
    fs::rename(temporary, path);
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(temporary, ignored);
    fail("{}: cannot write: {}", path.string(), error.code().message());
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  SERENDIP_CHECK(in.good(), "{}: cannot open: {}", path.string(), strerror(errno));
  std::ostringstream content;
  content << in.rdbuf();
  SERENDIP_CHECK(!in.bad(), "{}: cannot read: {}", path.string(), strerror(errno));
  return std::move(content).str();
}

}  // namespace serendip
