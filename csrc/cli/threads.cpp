#include "cli/threads.h"

#include <ATen/Parallel.h>
#include <omp.h>

namespace serendip {

void set_threads(int64_t count) {
  if (count <= 0) return;
  omp_set_num_threads(static_cast<int>(count));
  at::set_num_threads(static_cast<int>(count));  // LibTorch carries an OpenMP runtime of its own
}

}  // namespace serendip
