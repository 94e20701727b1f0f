// The pair table as the server reads it: mapped, so that start-up and memory do not follow its
// size.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "transitions/context_list.h"

namespace serendip::server {

// A whole file mapped for reading; it may be replaced on the disk meanwhile, not changed.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  const std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  const std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

struct TableEntry {
  int32_t label;
  float log_prob, probability_low, probability_high;
};

// Format and meaning: infer/pair_table.h. Safe to use from several threads.
class MappedTable {
 public:
  // Throws Error naming the file and what is missing or inconsistent, also where a dataset is not
  // stored in one piece (chunked or compressed by another program).
  explicit MappedTable(const std::filesystem::path& path);

  const ContextList& contexts() const { return contexts_; }
  int64_t cluster_count() const { return contexts_.cluster_count(); }
  int64_t context_size() const { return contexts_.context_size(); }
  int64_t labels() const { return labels_; }  // k
  const std::map<std::string, std::string>& hashes() const { return hashes_; }

  std::optional<int64_t> find(std::span<const int32_t> context) const {
    return contexts_.find(context);
  }
  // The entry of a row's rank-th best label; nothing behind its last.
  std::optional<TableEntry> entry(int64_t row, int64_t rank) const;

 private:
  int32_t label(int64_t at) const;

  MappedFile file_;
  ContextList contexts_;
  int64_t labels_ = 0;
  // [R, k] in the file, at any address: HDF5 does not align.
  const std::byte* label_ = nullptr;
  bool narrow_ = false;  // u16 labels, else i32
  const std::byte *log_prob_ = nullptr, *probability_low_ = nullptr, *probability_high_ = nullptr;
  std::map<std::string, std::string> hashes_;
};

}  // namespace serendip::server
