// Where tests find data that are kept beside the project, and the reference Python.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace serendip {

inline std::filesystem::path environment_path(const char* variable,
                                              const std::filesystem::path& otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr ? std::filesystem::path(value) : otherwise;
}

inline std::filesystem::path source_folder() {
  return environment_path("SERENDIP_SOURCE_DIR", std::filesystem::current_path());
}

inline std::filesystem::path shared_data(const std::string& name) {
  return environment_path("SERENDIP_DATA", source_folder().parent_path() / "shared" / "data") /
         name;
}

// The exit status of `.venv/bin/python ARGUMENTS` in the source folder; 127 when there is no
// Python.
inline int run_python(const std::string& arguments) {
  const std::string command =
      "cd '" + source_folder().string() + "' && .venv/bin/python " + arguments;
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace serendip
