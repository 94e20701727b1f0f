// `serendip embed`: a unit vector for each item, from its content or from the user's own vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/options.h"

namespace serendip {

// Recipe section "embed".
struct EmbedOptions {
  int64_t dimensions = 256;  // D; of content embeddings
  std::string vectors, vectors_id = "item_id", vectors_column = "embedding";
  int64_t hash_buckets = 16384;
  double co_consumption = 0;  // w
  int64_t window = 0;         // events a basket; 0 = a user's whole history
  double min_reward = 0;
  int64_t iterations = 4, seed = 1;

  void declare(OptionSet& set);
};

// Writes `/embedding` f32 [N, D] of `embedding_h5` (kEmbeddingFile beside data.h5, for load_dataset
// to find it), rows of unit length in item order. Returns {"items", "dimensions", "source"
// ("content", "content+co_consumption" or the vectors' location), "placeholders"}.
//
// From content: the hashed words of title and text under TF-IDF, rows of unit length, reduced to
// U·S by a randomised SVD. With co-consumption weight w, the matrix decomposed is [√(1−w)·words |
// √w·baskets], both under TF-IDF with unit rows: its inner products are (1−w)·cosine of content +
// w·cosine of co-consumption, and one SVD reduces them together. Users held out for dev and test
// take no part. An item about which nothing is known gets a placeholder: a random unit vector that
// depends on the seed and its id alone.
//
// Throws Error where read_item_vectors does, and for co-consumption together with own vectors.
nlohmann::json embed_items(const EmbedOptions& options, const std::filesystem::path& data_h5,
                           const std::filesystem::path& embedding_h5);

}  // namespace serendip
