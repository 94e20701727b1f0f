// Matrix products whose rows do not depend on how many others there are.
#pragma once

#include <cstdint>

namespace serendip {

// On Intel's processors, puts MKL into its strict reproducible mode, in which a row of a float32
// product has the same bits for every number of rows and threads. To be called before the process's
// first product; an MKL_CBWR in the environment is left as it is. Of other widths of vectors
// (another machine) the bits differ.
void use_reproducible_products();

// What the number of rows of such a product is to be a multiple of. 1 on Intel's processors. On
// others MKL has no strict mode, and a row's bits depend on whether it is among the last few of its
// thread's: multiples of 4 were seen to have the same bits on an AMD EPYC, whatever their number
// and that of threads.
int64_t reproducible_row_grain();

}  // namespace serendip
