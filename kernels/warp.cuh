// What the warps of several kernels do together.
#pragma once

#ifdef SERENDIP_CUDA_ON_HOST
#include "tests/kernels/cuda_on_host.h"
#else
#include "kernels/cuda_on_device.h"
#endif

namespace serendip::device {

constexpr int kLanes = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline int lane_of_thread() { return static_cast<int>(threadIdx.x) % kLanes; }
__device__ inline int warp_of_thread() { return static_cast<int>(threadIdx.x) / kLanes; }

__device__ inline float warp_max(float value) {
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, lanes));
  return value;
}

__device__ inline float warp_sum(float value) {
  for (int lanes = kLanes / 2; lanes > 0; lanes /= 2)
    value += __shfl_xor_sync(kAllLanes, value, lanes);
  return value;
}

// A list of up to kSlots · 32 (score, id), highest score first and lower ids first among equals,
// spread over a warp: entry i is in lane i % 32, slot i / 32. All lanes call every member. Asked
// for its k best, whatever is held beyond them does no harm.
template <typename Id, int kSlots>
struct BestList {
  static constexpr Id kNone =
      sizeof(Id) == 8 ? static_cast<Id>(INT64_MAX) : static_cast<Id>(INT32_MAX);
  float score[kSlots];
  Id id[kSlots];

  __device__ static int place_of(int slot) { return slot * kLanes + lane_of_thread(); }
  __device__ static bool before(float score, Id id, float other_score, Id other_id) {
    // Without branches: every lane takes part in what follows.
    return (score > other_score) | ((score == other_score) & (id < other_id));
  }

  __device__ void clear() {
    for (int slot = 0; slot < kSlots; ++slot) {
      score[slot] = -INFINITY;
      id[slot] = kNone;
    }
  }
  __device__ void load(const float* scores, const Id* ids, int k) {
    for (int slot = 0; slot < kSlots; ++slot) {
      const int place = place_of(slot);
      score[slot] = place < k ? scores[place] : -INFINITY;
      id[slot] = place < k ? ids[place] : kNone;
    }
  }
  __device__ void store(float* scores, Id* ids, int k) const {
    for (int slot = 0; slot < kSlots; ++slot) {
      const int place = place_of(slot);
      if (place < k) {
        scores[place] = score[slot];
        ids[place] = id[slot];
      }
    }
  }
  __device__ float score_at(int place) const {
    float found = -INFINITY;
    for (int slot = 0; slot < kSlots; ++slot) {
      const float mine = __shfl_sync(kAllLanes, score[slot], place % kLanes);
      found = slot == place / kLanes ? mine : found;
    }
    return found;
  }
  __device__ Id id_at(int place) const {
    Id found = kNone;
    for (int slot = 0; slot < kSlots; ++slot) {
      const Id mine = __shfl_sync(kAllLanes, id[slot], place % kLanes);
      found = slot == place / kLanes ? mine : found;
    }
    return found;
  }
  // Whether a lane's candidate belongs among the first k.
  __device__ bool before_last(float candidate_score, Id candidate_id, int k) const {
    return before(candidate_score, candidate_id, score_at(k - 1), id_at(k - 1));
  }

  // The same candidate in all lanes.
  __device__ void insert(float new_score, Id new_id) {
    int place = 0;
    for (int slot = 0; slot < kSlots; ++slot)
      place += __popc(__ballot_sync(kAllLanes, before(score[slot], id[slot], new_score, new_id)));
    float carried_score = 0;  // from the slot before, of its last lane
    Id carried_id = 0;
    for (int slot = 0; slot < kSlots; ++slot) {
      const float last_score = __shfl_sync(kAllLanes, score[slot], kLanes - 1);
      const Id last_id = __shfl_sync(kAllLanes, id[slot], kLanes - 1);
      float left_score = __shfl_up_sync(kAllLanes, score[slot], 1);
      Id left_id = __shfl_up_sync(kAllLanes, id[slot], 1);
      left_score = lane_of_thread() == 0 ? carried_score : left_score;
      left_id = lane_of_thread() == 0 ? carried_id : left_id;
      const bool here = place_of(slot) == place, moves = place_of(slot) > place;
      score[slot] = here ? new_score : moves ? left_score : score[slot];
      id[slot] = here ? new_id : moves ? left_id : id[slot];
      carried_score = last_score;
      carried_id = last_id;
    }
  }
  // Each lane's candidate where it says so.
  __device__ void insert_where(bool wanted, float candidate_score, Id candidate_id) {
    for (unsigned left = __ballot_sync(kAllLanes, wanted); left != 0; left &= left - 1) {
      const int lane = __ffs(static_cast<int>(left)) - 1;
      insert(__shfl_sync(kAllLanes, candidate_score, lane),
             __shfl_sync(kAllLanes, candidate_id, lane));
    }
  }
};

}  // namespace serendip::device
