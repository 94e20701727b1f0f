// A part of an event log once read: its events with ids numbered within the part. It is kept in a
// file, so that processes can share the parts, and a stopped import goes on with those not read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <vector>

#include "data/event_chunks.h"
#include "data/event_sorter.h"
#include "data/import_rows.h"

namespace serendip {

// The file in `folder` that `source` is kept in, by a name that its path, size and time of change,
// the columns and the format make up.
std::filesystem::path event_part_path(const std::filesystem::path& folder,
                                      const std::filesystem::path& source,
                                      const EventColumns& columns, const TextFormat& format);

// Reads `source` and writes `path`, whole or not at all. `advance` is told of every some thousand
// rows and may throw. Throws Error as EventChunks does, and past `max_bad_rows`.
void write_event_part(const std::filesystem::path& path, const std::filesystem::path& source,
                      const EventColumns& columns, const TextFormat& format, int64_t max_bad_rows,
                      const std::function<void(int64_t rows)>& advance);

class EventPart {
 public:
  // Throws Error, as next() does, where the file is cut short.
  explicit EventPart(const std::filesystem::path& path);

  // By first appearance in the part.
  const TextList& users() const { return users_; }
  const TextList& items() const { return items_; }
  const PartBadRows& bad_rows() const { return bad_rows_; }
  // The next events in the part's order, users and items by their places in the lists; false at the
  // end.
  bool next(std::vector<ImportedEvent>& events);

 private:
  std::filesystem::path path_;
  std::ifstream in_;
  TextList users_, items_;
  PartBadRows bad_rows_;
  int64_t unread_;  // events
};

}  // namespace serendip
