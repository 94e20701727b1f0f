#include "data/svd.h"

#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <algorithm>
#include <array>

#include "base/random.h"

namespace serendip {
namespace {

// Sparse, with a spectrum that decays: a few strong directions and weak noise.
Eigen::MatrixXf random_matrix(int rows, int columns) {
  Random random(11);
  Eigen::MatrixXf matrix(rows, columns);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const float strength = row % 5 == column % 5 ? 1.0f / static_cast<float>(1 + row % 5) : 0.05f;
      matrix(row, column) =
          random.uniform() < 0.4 ? strength * static_cast<float>(random.normal() + 2) : 0.0f;
    }
  return matrix;
}

class SingularRows : public testing::TestWithParam<std::array<int, 3>> {};

// U·S is unique up to signs; U·S²·Uᵀ is not even that ambiguous.
TEST_P(SingularRows, AgreeWithADenseDecomposition) {
  const auto [rows, columns, dimensions] = GetParam();
  const Eigen::MatrixXf dense = random_matrix(rows, columns);
  const DenseRows found = singular_rows(dense.sparseView(), dimensions, 8, 3);
  ASSERT_EQ(found.rows(), rows);
  ASSERT_EQ(found.cols(), dimensions);

  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(dense.cast<double>(), Eigen::ComputeThinU);
  const int rank = std::min({rows, columns, dimensions});
  const Eigen::MatrixXd exact =
      svd.matrixU().leftCols(rank) * svd.singularValues().head(rank).asDiagonal();
  const double scale = svd.singularValues()(0);
  for (int column = 0; column < rank; ++column)
    EXPECT_NEAR(found.col(column).norm(), svd.singularValues()(column), 2e-3 * scale) << column;
  // A gap in the spectrum follows the fifth direction, so the space of the first 5 is well defined.
  const int leading = std::min(rank, 5);
  const Eigen::MatrixXd found_leading = found.leftCols(leading).cast<double>();
  const Eigen::MatrixXd difference = found_leading * found_leading.transpose() -
                                     exact.leftCols(leading) * exact.leftCols(leading).transpose();
  EXPECT_LT(difference.norm(), 1e-4 * scale * scale);
  EXPECT_EQ(found.rightCols(dimensions - rank).norm(), 0);
  for (int column = 0; column < rank; ++column)
    EXPECT_EQ(found.col(column).maxCoeff(), found.col(column).cwiseAbs().maxCoeff()) << column;
}

INSTANTIATE_TEST_SUITE_P(Shapes, SingularRows,
                         testing::Values(std::array{80, 50, 8}, std::array{50, 80, 20},
                                         std::array{12, 30, 40}, std::array{30, 6, 10}));

TEST(SingularRowsExact, FullWidthKeepsAllInnerProducts) {
  const Eigen::MatrixXf dense = random_matrix(20, 35);
  const DenseRows rows = singular_rows(dense.sparseView(), 20, 1, 1);
  EXPECT_LT((rows * rows.transpose() - dense * dense.transpose()).norm(),
            1e-5 * (dense * dense.transpose()).norm());
}

TEST(SingularRowsExact, SameSeedSameBits) {
  const Eigen::MatrixXf dense = random_matrix(60, 70);
  const DenseRows first = singular_rows(dense.sparseView(), 10, 2, 7);
  Eigen::setNbThreads(2);
  const DenseRows second = singular_rows(dense.sparseView(), 10, 2, 7);
  EXPECT_TRUE((first.array() == second.array()).all());
}

TEST(SingularRowsExact, EmptyAndZeroMatrices) {
  EXPECT_EQ(singular_rows(SparseRows(3, 0), 4, 2, 1).norm(), 0);
  EXPECT_EQ(singular_rows(SparseRows(3, 5), 4, 2, 1).norm(), 0);
}

}  // namespace
}  // namespace serendip
