// The dataset of a run: items, users and their events in time order (data.h5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

class Hdf5File;

// N items, U users, E events. Item and user are indices into these arrays everywhere else.
struct Dataset {
  std::vector<std::string> item_id, item_title, item_text;  // [N]; text = tags and metadata
  std::vector<float> embedding;                             // [N, embedding_dim] or empty
  int64_t embedding_dim = 0;
  std::vector<std::string> user_id;  // [U]
  std::vector<int64_t> user_offset;  // [U + 1]: user u has [user_offset[u], user_offset[u + 1])
  std::vector<int32_t> event_item;   // [E], sorted by (user, time, input order)
  std::vector<int64_t> event_time;   // [E] seconds
  std::vector<float> event_reward;   // [E]

  int64_t item_count() const { return static_cast<int64_t>(item_id.size()); }
  int64_t user_count() const { return static_cast<int64_t>(user_id.size()); }
  int64_t event_count() const { return static_cast<int64_t>(event_item.size()); }
};

// Reads data.h5 whole. Throws Error naming the file and what is missing or inconsistent. Without
// `with_embedding`, or before they are made, the embeddings stay empty; without `with_text` the
// items' texts.
Dataset load_dataset(const std::filesystem::path& path, bool with_embedding = true,
                     bool with_text = true);

// Writes the embeddings inside the file where the dataset has some; otherwise links them as below.
void save_dataset(const Dataset& dataset, const std::filesystem::path& path);

// The parts of save_dataset, for writers that stream the events: /items and /users with the
// offsets. Embeddings that do not exist yet become an external link to kEmbeddingFile beside
// data.h5, so that making them changes no byte of data.h5; to HDF5 readers they are
// /items/embedding all the same.
void write_catalogue(const Dataset& dataset, Hdf5File& file);

constexpr const char* kEmbeddingFile = "embedding.h5";
constexpr const char* kEmbeddingDataset = "/embedding";  // f32 [N, D]

}  // namespace serendip
