// The barriers, warp functions, bit counts and atomics that kernels call.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tests/kernels/cuda_on_host/block.h"

namespace cuda_on_host {

constexpr unsigned kAllLanes = 0xffffffffu;

inline void sync_threads(Source source = Source::here()) {
  running().wait_for_block({"__syncthreads", source});
}

inline void sync_warp(unsigned mask = kAllLanes, Source source = Source::here()) {
  running().exchange(mask, 0, kVotes, {"__syncwarp", source});
}

// The value of lane `wanted`; its bytes are 0xff where the mask does not name that lane.
template <typename T>
T exchange(unsigned mask, T value, unsigned wanted, const Call& call) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8),
                "shuffles take 32- or 64-bit numbers");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  bits = running().exchange(mask, bits, wanted, call);
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

template <typename T>
T shuffle(unsigned mask, T value, int lane, Source source = Source::here()) {
  return exchange(mask, value, static_cast<unsigned>(lane) % kWarpSize, {"__shfl_sync", source});
}

template <typename T>
T shuffle_xor(unsigned mask, T value, int lanes, Source source = Source::here()) {
  const unsigned wanted = (running().lane() ^ static_cast<unsigned>(lanes)) % kWarpSize;
  return exchange(mask, value, wanted, {"__shfl_xor_sync", source});
}

// Lanes below `distance` keep their own value.
template <typename T>
T shuffle_up(unsigned mask, T value, unsigned distance, Source source = Source::here()) {
  const unsigned lane = running().lane();
  return exchange(mask, value, lane < distance ? lane : lane - distance,
                  {"__shfl_up_sync", source});
}

// The last `distance` lanes keep their own value.
template <typename T>
T shuffle_down(unsigned mask, T value, unsigned distance, Source source = Source::here()) {
  const unsigned lane = running().lane();
  return exchange(mask, value, distance < kWarpSize - lane ? lane + distance : lane,
                  {"__shfl_down_sync", source});
}

inline unsigned votes(unsigned mask, bool vote, const Call& call) {
  return static_cast<unsigned>(running().exchange(mask, vote ? 1 : 0, kVotes, call));
}

inline unsigned ballot(unsigned mask, int predicate, Source source = Source::here()) {
  return votes(mask, predicate != 0, {"__ballot_sync", source});
}

inline int any(unsigned mask, int predicate, Source source = Source::here()) {
  return votes(mask, predicate != 0, {"__any_sync", source}) != 0 ? 1 : 0;
}

inline int all(unsigned mask, int predicate, Source source = Source::here()) {
  return votes(mask, predicate != 0, {"__all_sync", source}) == mask ? 1 : 0;
}

inline int count_ones(unsigned bits) { return std::popcount(bits); }

// The place of the lowest bit that is set, counted from 1; 0 when none is.
inline int find_first_one(int bits) {
  return bits == 0 ? 0 : std::countr_zero(static_cast<unsigned>(bits)) + 1;
}

// Fibers switch at barriers only, so that a plain addition is atomic.
template <typename T>
T add(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned> ||
                    std::is_same_v<T, unsigned long long> || std::is_same_v<T, float>,
                "atomicAdd takes int, unsigned, unsigned long long or float");
  const T before = *address;
  *address = before + value;
  return before;
}

}  // namespace cuda_on_host
