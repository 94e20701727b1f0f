#include "cli/software.h"

#include <arrow/config.h>
#include <fmt/format.h>
#include <hdf5.h>
#include <metis.h>
#include <torch/headeronly/version.h>

#include "cli/commit.h"

namespace serendip {
namespace {

#ifdef __clang__
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace

nlohmann::json software_json() {
  return {
      {"commit", kCommit},
      {"compiler", kCompiler},
      {"libraries",
       {{"LibTorch", TORCH_VERSION},
        {"HDF5", hdf5_version()},
        {"Arrow", arrow::GetBuildInfo().version_string},
        {"METIS", fmt::format("{}.{}.{}", METIS_VER_MAJOR, METIS_VER_MINOR, METIS_VER_SUBMINOR)}}}};
}

}  // namespace serendip
