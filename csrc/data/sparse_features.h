// Items as sparse rows: of the words that describe them, and of the users who took them up.
#pragma once

#include "data/dataset.h"
#include "data/svd.h"

namespace serendip {

// Counts [N, V] of the words of title and text, hashed into at most `hash_buckets` columns; columns
// that no word fell into are left out.
SparseRows word_counts(const Dataset& dataset, int64_t hash_buckets);

// Counts [N, B] of events with reward ≥ `min_reward` by basket: the training users' such events in
// time order, cut every `window` of them (0: a user is one basket). Baskets of a single item say
// nothing of two items together and are left out.
SparseRows basket_counts(const Dataset& dataset, int64_t window, double min_reward);

// Counts to TF-IDF: (1 + ln count)·(1 + ln((1 + N)/(1 + rows with the column))), rows then scaled
// to unit length.
void weigh_tf_idf(SparseRows& counts);

// [left_scale·left | right_scale·right], of equally many rows.
SparseRows join_columns(const SparseRows& left, double left_scale, const SparseRows& right,
                        double right_scale);

}  // namespace serendip
