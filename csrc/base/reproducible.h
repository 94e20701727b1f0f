// Matrix products whose rows do not depend on how many others there are.
#pragma once

namespace serendip {

// Puts MKL into its strict reproducible mode, in which a row of a float32 product has the same bits
// for every number of rows and threads. To be called before the process's first product; an
// MKL_CBWR in the environment is left as it is. Of other widths of vectors (another machine) the
// bits differ.
void use_reproducible_products();

}  // namespace serendip
