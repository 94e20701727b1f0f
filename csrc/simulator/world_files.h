// What `simulate world` writes: the log and the catalogue that the pipeline reads like anybody's
// data, and the hidden truth for experiments.
#pragma once

#include <cstdint>
#include <filesystem>

#include "simulator/world.h"

namespace serendip {

constexpr const char* kWorldEvents = "events.parquet";
constexpr const char* kWorldItems = "items.parquet";
constexpr const char* kWorldVectors = "vectors.npy";
constexpr const char* kWorldTruth = "world.h5";

struct LogCounts {
  int64_t events = 0, liked = 0, own_choices = 0, active_users = 0;
  double seconds = 0;  // of the users' lives alone, without writing
};

// Every user's days with the incumbent, user after user. Memory is bounded by a block of users.
LogCounts write_log(const World& world, const std::filesystem::path& path);

void write_items(const World& world, const std::filesystem::path& path);
// float32 [items, dimensions]
void write_vectors(const World& world, const std::filesystem::path& path);

// T topics, N items, U users:
//   /topics/{name,parent,gloss} str [T], /topics/popularity f64 [T]
//   /related/offset i64 [T+1], /related/topic i32, /related/weight f32, /related/{hidden,walked}
//   i32 (0 or 1), both ways
//   /items/topic i32 [N], /items/quality f32 [N]
//   /users/offset i64 [U+1], /users/topic i32, /users/affinity f32: what each likes, the first
//   /users/known i32 [U] of them known from the start; /users/activity f64 [U]
// The seed is its attribute "seed".
void write_truth(const World& world, const std::filesystem::path& path);

}  // namespace serendip
