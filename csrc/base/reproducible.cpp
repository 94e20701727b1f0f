#include "base/reproducible.h"

#include <cstdlib>

namespace serendip {
namespace {

bool is_intel() {
#ifdef __x86_64__
  return __builtin_cpu_is("intel") != 0;
#else
  return false;
#endif
}

}  // namespace

void use_reproducible_products() {
#ifdef __x86_64__
  if (!is_intel()) return;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  setenv("MKL_CBWR", wide ? "AVX512,STRICT" : "AVX2,STRICT", /*overwrite=*/0);
#endif
}

int64_t reproducible_row_grain() { return is_intel() ? 1 : 4; }

}  // namespace serendip
