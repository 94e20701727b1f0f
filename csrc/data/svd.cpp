#include "data/svd.h"

#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>

#include "base/interrupt.h"
#include "base/progress.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr int64_t kOversampling = 10;

// Eigen's own threads change how sums are cut into blocks.
class SingleThread {
 public:
  SingleThread() : before_(Eigen::nbThreads()) { Eigen::setNbThreads(1); }
  ~SingleThread() { Eigen::setNbThreads(before_); }
  SingleThread(const SingleThread&) = delete;
  SingleThread& operator=(const SingleThread&) = delete;

 private:
  int before_;
};

// Replaces the columns by an orthonormal basis of their span.
void orthonormalise(DenseRows& columns) {
  const Eigen::HouseholderQR<Eigen::MatrixXf> qr(columns);
  columns = qr.householderQ() * Eigen::MatrixXf::Identity(columns.rows(), columns.cols());
}

DenseRows gaussian(int64_t rows, int64_t columns, uint64_t seed) {
  DenseRows matrix(rows, columns);
  Random random(seed);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      matrix(row, column) = static_cast<float>(random.normal());
  return matrix;
}

void fix_signs(DenseRows& rows) {
  for (Eigen::Index column = 0; column < rows.cols(); ++column) {
    Eigen::Index largest = 0;
    rows.col(column).cwiseAbs().maxCoeff(&largest);
    if (rows(largest, column) < 0) rows.col(column) = -rows.col(column);
  }
}

}  // namespace

DenseRows singular_rows(const SparseRows& matrix, int64_t dimensions, int64_t iterations,
                        uint64_t seed) {
  const int64_t rank = std::min<int64_t>({dimensions, matrix.rows(), matrix.cols()});
  DenseRows result = DenseRows::Zero(matrix.rows(), dimensions);
  if (rank == 0) return result;
  const SingleThread single_thread;
  const int64_t width =
      std::min<int64_t>({dimensions + kOversampling, matrix.rows(), matrix.cols()});
  Progress progress("embed", iterations + 2, "passes");
  const auto pass_done = [&] {
    progress.advance(1);
    throw_if_interrupted();
  };

  DenseRows left = matrix * gaussian(matrix.cols(), width, seed);  // [N, width]
  orthonormalise(left);
  pass_done();
  DenseRows right;  // [V, width]
  for (int64_t iteration = 0; iteration < iterations; ++iteration) {
    right.noalias() = matrix.transpose() * left;
    orthonormalise(right);
    left.noalias() = matrix * right;
    orthonormalise(left);
    pass_done();
  }

  // matrix ≈ left·leftᵀ·matrix, and leftᵀ·matrix = Rᵀ·Qᵀ: the small factor R has its singular
  // values.
  right.noalias() = matrix.transpose() * left;
  const Eigen::HouseholderQR<Eigen::MatrixXf> qr(right);
  const Eigen::MatrixXd small =
      qr.matrixQR().topRows(width).triangularView<Eigen::Upper>().toDenseMatrix().cast<double>();
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(small.transpose(), Eigen::ComputeThinU);
  const Eigen::MatrixXd turn = svd.matrixU() * svd.singularValues().asDiagonal();
  result.leftCols(rank).noalias() = left * turn.leftCols(rank).cast<float>();
  fix_signs(result);
  pass_done();
  return result;
}

}  // namespace serendip
