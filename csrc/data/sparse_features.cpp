#include "data/sparse_features.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/check.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "data/split.h"
#include "data/words.h"

namespace serendip {
namespace {

// Builds rows one after the other from unsorted, repeated column numbers.
class RowBuilder {
 public:
  void add_row(std::vector<int32_t>& columns) {
    std::sort(columns.begin(), columns.end());
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0 && columns[i] == columns[i - 1]) {
        ++counts_.back();
      } else {
        columns_.push_back(columns[i]);
        counts_.push_back(1);
      }
    }
    // Eigen's index type.
    SERENDIP_CHECK(columns_.size() < std::numeric_limits<int32_t>::max(),
                   "more than {} non-zero item features", std::numeric_limits<int32_t>::max());
    row_start_.push_back(static_cast<int32_t>(columns_.size()));
  }
  SparseRows matrix(int64_t columns) const {
    return Eigen::Map<const SparseRows>(static_cast<Eigen::Index>(row_start_.size()) - 1, columns,
                                        static_cast<Eigen::Index>(columns_.size()),
                                        row_start_.data(), columns_.data(), counts_.data());
  }
  // Renumbers the columns in use and returns how many they are.
  int64_t close_gaps(int64_t columns) {
    std::vector<int32_t> number(static_cast<size_t>(columns), 0);
    for (const int32_t column : columns_) number[static_cast<size_t>(column)] = 1;
    int32_t used = 0;
    for (int32_t& entry : number) entry = entry ? used++ : -1;
    for (int32_t& column : columns_) column = number[static_cast<size_t>(column)];
    return used;
  }

 private:
  std::vector<int32_t> row_start_ = {0}, columns_;
  std::vector<float> counts_;
};

}  // namespace

SparseRows word_counts(const Dataset& dataset, int64_t hash_buckets) {
  RowBuilder rows;
  std::vector<int32_t> columns;
  for (size_t item = 0; item < dataset.item_id.size(); ++item) {
    columns.clear();
    for (const std::string* text : {&dataset.item_title[item], &dataset.item_text[item]})
      for (const std::string& word : split_words(*text))
        columns.push_back(static_cast<int32_t>(hash64(word) % static_cast<uint64_t>(hash_buckets)));
    rows.add_row(columns);
    if (item % 4096 == 0) throw_if_interrupted();
  }
  const int64_t used = rows.close_gaps(hash_buckets);
  return rows.matrix(used);
}

SparseRows basket_counts(const Dataset& dataset, int64_t window, double min_reward) {
  RowBuilder baskets;
  int64_t basket_count = 0;
  std::vector<int32_t> basket;
  const auto end_basket = [&] {
    if (std::adjacent_find(basket.begin(), basket.end(), std::not_equal_to<>()) != basket.end()) {
      baskets.add_row(basket);
      ++basket_count;
    }
    basket.clear();
  };
  for (size_t user = 0; user < dataset.user_id.size(); ++user) {
    if (split_of(dataset.user_id[user]) != Split::kTrain) continue;
    for (auto event = static_cast<size_t>(dataset.user_offset[user]);
         event < static_cast<size_t>(dataset.user_offset[user + 1]); ++event) {
      if (dataset.event_reward[event] < min_reward) continue;
      basket.push_back(dataset.event_item[event]);
      if (static_cast<int64_t>(basket.size()) == window) end_basket();
    }
    end_basket();
  }
  return baskets.matrix(dataset.item_count()).transpose();
}

void weigh_tf_idf(SparseRows& counts) {
  std::vector<int64_t> rows_with(static_cast<size_t>(counts.cols()), 0);
  for (Eigen::Index row = 0; row < counts.rows(); ++row)
    for (SparseRows::InnerIterator entry(counts, row); entry; ++entry)
      ++rows_with[static_cast<size_t>(entry.col())];
  for (Eigen::Index row = 0; row < counts.rows(); ++row) {
    double squares = 0;
    for (SparseRows::InnerIterator entry(counts, row); entry; ++entry) {
      const auto with = static_cast<double>(rows_with[static_cast<size_t>(entry.col())]);
      const double inverse = 1 + std::log((1 + static_cast<double>(counts.rows())) / (1 + with));
      const double weight = (1 + std::log(entry.value())) * inverse;
      entry.valueRef() = static_cast<float>(weight);
      squares += weight * weight;
    }
    for (SparseRows::InnerIterator entry(counts, row); entry; ++entry)
      entry.valueRef() = static_cast<float>(entry.value() / std::sqrt(squares));
  }
}

SparseRows join_columns(const SparseRows& left, double left_scale, const SparseRows& right,
                        double right_scale) {
  SERENDIP_CHECK(left.nonZeros() + right.nonZeros() < std::numeric_limits<int32_t>::max(),
                 "{} non-zero item features, more than {}", left.nonZeros() + right.nonZeros(),
                 std::numeric_limits<int32_t>::max());
  SparseRows joined(left.rows(), left.cols() + right.cols());
  joined.reserve(left.nonZeros() + right.nonZeros());
  for (Eigen::Index row = 0; row < left.rows(); ++row) {
    joined.startVec(row);
    for (SparseRows::InnerIterator entry(left, row); entry; ++entry)
      joined.insertBack(row, entry.col()) = static_cast<float>(left_scale * entry.value());
    for (SparseRows::InnerIterator entry(right, row); entry; ++entry)
      joined.insertBack(row, left.cols() + entry.col()) =
          static_cast<float>(right_scale * entry.value());
  }
  joined.finalize();
  return joined;
}

}  // namespace serendip
