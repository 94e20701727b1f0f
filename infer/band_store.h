// Finished bands of a pair table, kept while the table is being made: append-only files of checked
// records, one a process, so that a job that was killed goes on with the bands that are missing, on
// any number of processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace serendip {

// Rows that are computed together: rows·k values each.
struct Band {
  std::vector<int32_t> label;
  std::vector<float> log_prob, probability_low, probability_high;
};

class BandStore {
 public:
  // Opens folder/rank_N.records for writing, and reads those of all processes. What is there is
  // kept when it was made for the same `key` (hashes of model and settings); of a file a torn
  // record at the end and records whose checksum is wrong do not count.
  BandStore(std::filesystem::path folder, const std::string& key, int64_t values_per_band,
            int64_t rank = 0);

  // Of all processes when this was opened or `refresh` last called, and this one's since.
  const std::set<int32_t>& done() const { return done_; }
  // Looks at the disk again.
  void refresh();
  // Appends and flushes; throws Error when the disk refuses, the file then ends as it did before.
  void append(int32_t number, const Band& band);
  // Every process's bands as they are on disk now, by number.
  std::map<int32_t, Band> read() const;

 private:
  // Of all processes' files, whole and of this key.
  void for_each_record(const std::function<void(int32_t number, const char* values)>& visit) const;

  std::filesystem::path folder_, path_;
  std::string key_;
  size_t values_;
  std::set<int32_t> done_;
};

}  // namespace serendip
