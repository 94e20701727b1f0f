// Files written whole or not at all, and small readers.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace serendip {

// Runs `write(temporary)` on a temporary name beside `path`, flushes it to the disk and renames it
// to `path`. On any failure the temporary is removed, `path` keeps its old content and Error is
// thrown.
void write_atomically(const std::filesystem::path& path,
                      const std::function<void(const std::filesystem::path& temporary)>& write);

// Removes what killed processes left of their temporaries for `path`. To be called where no other
// process writes it.
void remove_leftovers(const std::filesystem::path& path);

// The same with the content in memory.
void write_file(const std::filesystem::path& path, std::string_view content);

// Fills `temporary`, an empty folder beside `path`, and renames it to `path`, in the place of what
// was there. On any failure the temporary is removed and the exception goes on; what a killed
// process left of it, the next call removes.
void write_folder(const std::filesystem::path& path,
                  const std::function<void(const std::filesystem::path& temporary)>& fill);

// The whole file; throws Error naming it when it cannot be read.
std::string read_file(const std::filesystem::path& path);

}  // namespace serendip
