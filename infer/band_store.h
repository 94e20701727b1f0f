// Finished bands of a pair table, kept while the table is being made: an append-only file of checked
// records, so that a killed job goes on from its last whole band.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace serendip {

// All rows that share c1: M·k values each.
struct Band {
  std::vector<int32_t> label;
  std::vector<float> log_prob, probability_low, probability_high;
};

class BandStore {
 public:
  // Opens folder/bands.records. What is there is kept when it was made for the same `key` (hashes of
  // model and settings) and whole; a torn record at the end is cut off.
  BandStore(const std::filesystem::path& folder, const std::string& key, int64_t values_per_band);

  const std::map<int32_t, Band>& bands() const { return bands_; }
  // Appends and flushes; throws Error when the disk refuses.
  void append(int32_t c1, Band band);

 private:
  void load();

  std::filesystem::path path_;
  std::string key_;
  size_t values_;
  std::map<int32_t, Band> bands_;
};

}  // namespace serendip
