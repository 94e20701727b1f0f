// The dataset of a run: items, users and their events in time order (data.h5).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

// N items, U users, E events. Item and user are indices into these arrays everywhere else.
struct Dataset {
  std::vector<std::string> item_id, item_title, item_text;  // [N]; text = tags and metadata
  std::vector<float> embedding;                             // [N, embedding_dim] or empty
  int64_t embedding_dim = 0;
  std::vector<std::string> user_id;   // [U]
  std::vector<int64_t> user_offset;   // [U + 1]: user u's events are [user_offset[u], user_offset[u+1])
  std::vector<int32_t> event_item;    // [E], sorted by (user, time, input order)
  std::vector<int64_t> event_time;    // [E] seconds
  std::vector<float> event_reward;    // [E]

  int64_t item_count() const { return static_cast<int64_t>(item_id.size()); }
  int64_t user_count() const { return static_cast<int64_t>(user_id.size()); }
  int64_t event_count() const { return static_cast<int64_t>(event_item.size()); }
};

// Reads data.h5 whole. Throws Error naming the file and what is missing or inconsistent.
Dataset load_dataset(const std::filesystem::path& path);
void save_dataset(const Dataset& dataset, const std::filesystem::path& path);

}  // namespace serendip
