// Descriptions of clusters: their keywords by class-based TF-IDF, unique within each level.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "clusters/tree.h"
#include "clusters/word_table.h"

namespace serendip {

// Fills the descriptions of every level: `count` lower-case words, "noir, detective, thriller". A
// word t of cluster c scores tf(c, t) / Σ tf(c, ·) · log(1 + A / f(t)) with tf the sum of
// √(traffic + 1) over the items that have the word, f its sum over all clusters, A the mean of
// Σ tf(c, ·) (Grootendorst 2022, BERTopic; the root keeps one popular item from speaking for its
// cluster). Words of two items or more of the cluster are preferred to words of one; ties by text.
// The chosen words stand in order of specificity, the lowest f first. No two descriptions of a
// level have the same words, in any order: a later cluster takes its next best words instead, and
// where those run out its most popular item's title or its number.
void describe_clusters(ClusterTree& tree, const WordTable& words,
                       const std::vector<std::string>& item_title, int64_t count);

}  // namespace serendip
