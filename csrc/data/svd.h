// Truncated singular value decomposition of a large sparse matrix.
#pragma once

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <cstdint>

namespace serendip {

using SparseRows = Eigen::SparseMatrix<float, Eigen::RowMajor>;
using DenseRows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// U·S of the best rank-D approximation of matrix [N, V]: row i is row i of the matrix seen in its D
// strongest directions, strongest first; columns past min(N, V) are zero. Randomised subspace
// iteration with 10 extra directions (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1).
// Depends on the arguments alone, whatever the thread count: signs are fixed so that the largest
// entry of each column is positive. Memory: about (2·N + 2·V)·(D + 10)·4 bytes.
DenseRows singular_rows(const SparseRows& matrix, int64_t dimensions, int64_t iterations,
                        uint64_t seed);

}  // namespace serendip
