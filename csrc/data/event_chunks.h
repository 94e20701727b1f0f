// A part of an event log, read ahead by a thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <mutex>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "data/import_rows.h"
#include "data/table_reader.h"

namespace serendip {

struct EventColumns {
  std::string user, item, time, reward;  // reward: "" = 1 for each event
};

// Some thousand rows.
struct EventChunk {
  struct Row {
    int64_t time;                   // seconds
    uint64_t user_hash, item_hash;  // hash64 of the ids
    size_t user_end, item_end;      // in `ids`; the user's id begins where the row before ends
    float reward;
  };
  std::string ids;
  std::vector<Row> rows;
  std::vector<BadRow> bad_rows;
};

// A row with an empty id, or a time or reward that is no finite number, is bad.
class EventChunks {
 public:
  EventChunks(std::filesystem::path part, EventColumns columns, TextFormat format);
  ~EventChunks();
  EventChunks(const EventChunks&) = delete;
  EventChunks& operator=(const EventChunks&) = delete;

  // The next chunk in order of rows; false at the end. Throws what reading threw (see read_part).
  bool next(EventChunk& chunk);

 private:
  void read();
  void hand_over(EventChunk& chunk);

  std::filesystem::path part_;
  EventColumns columns_;
  TextFormat format_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::queue<EventChunk> read_;
  std::exception_ptr failure_;
  bool ended_ = false, stopped_ = false;
  std::thread thread_;
};

}  // namespace serendip
