// The tables of a world, written as streams: Parquet for events and items, .npy for vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>

#include "simulator/item_content.h"
#include "simulator/session.h"

namespace serendip {

// A Parquet file to which row groups are added. Every function throws Error naming the file when
// the disk refuses.
class ParquetTable {
 public:
  virtual ~ParquetTable();
  // Ends the file, which is unreadable without it.
  void close();

 protected:
  struct File;
  explicit ParquetTable(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

// Columns: user_id int64, item_id int64, timestamp int64 (seconds), reward float (1 liked, 0 not),
// watch_seconds float.
class EventTable : public ParquetTable {
 public:
  explicit EventTable(const std::filesystem::path& path);
  void append(std::span<const Interaction> events);
};

// Columns: item_id int64, title string, tags string; items numbered from 0 in order.
class ItemTable : public ParquetTable {
 public:
  explicit ItemTable(const std::filesystem::path& path);
  void append(std::span<const WorldItemText> items);

 private:
  int64_t rows_ = 0;
};

// float32 [rows, dimensions] in C order (numpy.lib.format, version 1).
class NpyTable {
 public:
  NpyTable(const std::filesystem::path& path, int64_t rows, int64_t dimensions);
  void append(std::span<const float> values);
  // Throws Error unless all rows are there and on their way to the disk.
  void close();

 private:
  std::string path_;
  std::ofstream out_;
  int64_t missing_;  // values
};

}  // namespace serendip
