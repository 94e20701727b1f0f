// `serendip import`: event logs, items and tags in text or Parquet become data.h5.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"

namespace serendip {

// Recipe section "import". The defaults of the column names are RecBole's.
struct ImportOptions {
  std::string events, items, tags;  // files or folders of parts
  std::string event_user = "user_id", event_item = "item_id", event_time = "timestamp";
  std::string event_reward;
  std::string item_id = "item_id", item_title;
  std::vector<std::string> item_text;
  std::string tags_item = "item_id", tags_text = "tag";
  std::string events_format = "table";
  std::vector<std::string> event_columns, item_columns;
  std::string delimiter, text_delimiter;
  int64_t max_bad_rows = 100;

  void declare(OptionSet& set);
};

// Writes `data_h5` and returns {"items", "users", "events", "bad_rows", "items_without_metadata"}.
//
// Items are numbered as in the items file, those known from events alone after them by first
// appearance; users by first appearance. An item without metadata has its id as title and no text;
// one without events is kept. Times are seconds, fractions dropped. A row with a wrong field
// count, an empty id, an id given twice among the items, or a time or reward that is no finite
// number is a bad row: the first 5 are logged as "file:line: reason", and more than max_bad_rows in
// all input together is an error. The input is read once, as a stream: memory grows with unique
// users and items and their text, and the events are sorted by EventSorter in bounded memory.
//
// Threads read the parts of the event log, one each. What they make of a part lies in import.parts
// beside data_h5 until that is written: an import that was stopped goes on with the parts not read.
//
// Throws Error for missing files and columns, empty files, no good event, and too many bad rows.
nlohmann::json import_data(const ImportOptions& options, const std::filesystem::path& data_h5);

// How processes that see the same folders share the parts of the event log.
struct PartSharing {
  std::function<std::optional<int64_t>()> next;  // nothing once all parts are read, by anyone
  std::function<void(int64_t part)> finish;
  std::function<void()> give_up;  // a part has failed; next() is not to wait any more
};
int64_t count_event_parts(const ImportOptions& options);
// What all but one of the processes do.
void read_event_parts(const ImportOptions& options, const std::filesystem::path& data_h5,
                      const PartSharing& sharing);
// What that one does. data_h5 is that of a single process to the byte.
nlohmann::json import_data(const ImportOptions& options, const std::filesystem::path& data_h5,
                           const PartSharing& sharing);

}  // namespace serendip
