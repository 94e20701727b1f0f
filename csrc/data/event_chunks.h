// An event log read by several threads, a part each, and handed over in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "data/table_reader.h"

namespace serendip {

struct EventColumns {
  std::string user, item, time, reward;  // reward: "" = 1 for each event
};

// Some thousand rows of one part.
struct EventChunk {
  struct Row {
    int64_t time;                   // seconds
    uint64_t user_hash, item_hash;  // hash64 of the ids
    size_t user_end, item_end;      // in `ids`; the user's id begins where the row before ends
    float reward;
  };
  struct BadRow {
    int64_t number;
    std::string reason;
  };
  std::filesystem::path part;
  std::string ids;
  std::vector<Row> rows;
  std::vector<BadRow> bad_rows;
  bool ends_part = false;
};

// A row with an empty id, or a time or reward that is no finite number, is bad.
class EventChunks {
 public:
  // `threads` at least 1; a part is one thread's, so that more than the parts are of no use.
  EventChunks(const std::filesystem::path& path, EventColumns columns, TextFormat format,
              int64_t threads);
  ~EventChunks();
  EventChunks(const EventChunks&) = delete;
  EventChunks& operator=(const EventChunks&) = delete;

  // The next chunk in order of parts and rows, whatever the number of threads; false at the end.
  // Throws what reading its part threw (see read_table).
  bool next(EventChunk& chunk);

 private:
  struct Reader {  // of parts i, i + threads, …
    std::queue<EventChunk> done;
    std::exception_ptr failure;
    std::thread thread;
  };
  void read_parts(size_t reader);
  void hand_over(Reader& reader, EventChunk& chunk);

  std::vector<std::filesystem::path> parts_;
  EventColumns columns_;
  TextFormat format_;
  size_t part_ = 0;   // that next() is at
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::vector<Reader> readers_;
  bool stopped_ = false;
};

}  // namespace serendip
