#include "base/reproducible.h"

#include <cstdlib>

namespace serendip {

void use_reproducible_products() {
#ifdef __x86_64__
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  setenv("MKL_CBWR", wide ? "AVX512,STRICT" : "AVX2,STRICT", /*overwrite=*/0);
#endif
}

}  // namespace serendip
