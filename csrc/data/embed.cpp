#include "data/embed.h"

#include <cmath>
#include <span>

#include "base/check.h"
#include "base/hash.h"
#include "base/hdf5_file.h"
#include "base/log.h"
#include "base/random.h"
#include "data/dataset.h"
#include "data/sparse_features.h"
#include "data/svd.h"
#include "data/vectors.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// A row of the decomposition that is this short holds rounding alone: those decomposed have
// length 1.
constexpr double kNothing = 1e-5;

DenseRows content_rows(const EmbedOptions& options, const Dataset& dataset) {
  SparseRows features = word_counts(dataset, options.hash_buckets);
  weigh_tf_idf(features);
  if (options.co_consumption > 0) {
    SparseRows baskets = basket_counts(dataset, options.window, options.min_reward);
    weigh_tf_idf(baskets);
    features = join_columns(features, std::sqrt(1 - options.co_consumption), baskets,
                            std::sqrt(options.co_consumption));
  }
  return singular_rows(features, options.dimensions, options.iterations,
                       static_cast<uint64_t>(options.seed));
}

double length_of(std::span<const float> row) {
  double squares = 0;
  for (const float value : row) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
}

void divide(std::span<float> row, double length) {
  for (float& value : row) value = static_cast<float>(value / length);
}

// Scales rows to unit length; returns how many were too short for it and became placeholders.
int64_t make_unit_rows(std::span<float> values, const std::vector<std::string>& item_id,
                       double too_short, uint64_t seed) {
  int64_t placeholders = 0;
  const size_t dimensions = values.size() / item_id.size();
  for (size_t item = 0; item < item_id.size(); ++item) {
    const std::span<float> row = values.subspan(item * dimensions, dimensions);
    const double length = length_of(row);
    if (length > too_short) {
      divide(row, length);
      continue;
    }
    ++placeholders;
    Random random(seed, hash64(item_id[item]));
    for (float& value : row) value = static_cast<float>(random.normal());
    divide(row, length_of(row));
  }
  return placeholders;
}

}  // namespace

void EmbedOptions::declare(OptionSet& set) {
  set.add("dimensions", dimensions, "of embeddings from content", at_least(int64_t{1}));
  set.add("vectors", vectors,
          "own vectors instead: FILE.npy or FILE.h5:/dataset in item order, or FILE.parquet");
  set.add("vectors_id", vectors_id, "column of the item's id in FILE.parquet");
  set.add("vectors_column", vectors_column, "column of lists of floats in FILE.parquet");
  set.add("hash_buckets", hash_buckets, "columns that words are hashed into",
          within(int64_t{1}, int64_t{1} << 24));
  set.add("co_consumption", co_consumption, "share of the training users' co-consumption; 0 = off",
          within(0.0, 1.0));
  set.add("window", window, "events that count as consumed together; 0 = a user's whole history",
          at_least(int64_t{0}));
  set.add("min_reward", min_reward, "least reward of an event that counts as consumption");
  set.add("iterations", iterations, "power iterations of the SVD", at_least(int64_t{0}));
  set.add("seed", seed, "of the SVD's random start and of placeholders", at_least(int64_t{0}));
}

nlohmann::json embed_items(const EmbedOptions& options, const fs::path& data_h5,
                           const fs::path& embedding_h5) {
  SERENDIP_CHECK(options.vectors.empty() || options.co_consumption == 0,
                 "embed.co_consumption = {}: expected 0 with embed.vectors, which it cannot be "
                 "fused into",
                 options.co_consumption);
  const Dataset dataset = load_dataset(data_h5, /*with_embedding=*/false);
  SERENDIP_CHECK(dataset.item_count() > 0, "{}: no items to embed", data_h5.string());
  int64_t dimensions = options.dimensions, placeholders = 0;
  const auto seed = static_cast<uint64_t>(options.seed);
  const auto save = [&](std::span<float> values, double too_short) {
    placeholders = make_unit_rows(values, dataset.item_id, too_short, seed);
    write_hdf5(embedding_h5, [&](Hdf5File& file) {
      file.write<float>(kEmbeddingDataset, values, {dataset.item_count(), dimensions});
    });
  };
  std::string source = options.vectors;
  if (options.vectors.empty()) {
    source = options.co_consumption > 0 ? "content+co_consumption" : "content";
    DenseRows rows = content_rows(options, dataset);
    save({rows.data(), static_cast<size_t>(rows.size())}, kNothing);
  } else {
    ItemVectors vectors = read_item_vectors(options.vectors, options.vectors_id,
                                            options.vectors_column, dataset.item_id);
    dimensions = vectors.dimensions;
    save(vectors.values, 0);
  }
  spdlog::info("embedded {} items in {} dimensions from {} ({} of unknown content)",
               dataset.item_count(), dimensions, source, placeholders);
  return {{"items", dataset.item_count()},
          {"dimensions", dimensions},
          {"source", source},
          {"placeholders", placeholders}};
}

}  // namespace serendip
