#include "data/import.h"

#include <omp.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "data/dataset.h"
#include "data/event_chunks.h"
#include "data/event_sorter.h"
#include "data/import_rows.h"
#include "data/table_reader.h"
#include "data/words.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kTicks = 1 << 14;  // rows between looks at the clock and for an interrupt
constexpr int64_t kMilliseconds = 100'000'000'000;  // as seconds: the year 5138

class Importer {
 public:
  Importer(const ImportOptions& options, const fs::path& folder)
      : options_(options), bad_rows_(options.max_bad_rows), sorter_(folder) {}

  void read_items() {
    std::vector<std::string> columns = {options_.item_id, options_.item_title};
    columns.insert(columns.end(), options_.item_text.begin(), options_.item_text.end());
    read(options_.items, columns, {options_.delimiter, options_.item_columns}, "items",
         [&](const TableRow& row) -> std::string {
           const std::string& id = row.fields[0];
           if (id.empty()) return fmt::format("empty '{}'", options_.item_id);
           if (items_.find(id)) return fmt::format("item '{}' is given twice", id);
           items_.add(id);
           title_.push_back(row.fields[1].empty() ? id : row.fields[1]);
           text_.emplace_back();
           for (size_t column = 2; column < row.fields.size(); ++column)
             append_text(text_.back(), row.fields[column]);
           return {};
         });
    SERENDIP_CHECK(!title_.empty(), "{}: no items", options_.items);
    items_with_metadata_ = static_cast<int64_t>(title_.size());
  }

  void read_events() {
    EventChunks chunks(
        options_.events,
        {options_.event_user, options_.event_item, options_.event_time, options_.event_reward},
        {options_.delimiter, options_.event_columns, options_.events_format == "sequences"},
        omp_get_max_threads());
    const int64_t bad_before = bad_rows_.count();
    int64_t latest = 0;
    Progress progress("import", 0, "events");
    EventChunk chunk;
    while (chunks.next(chunk)) {
      throw_if_interrupted();
      for (const EventChunk::BadRow& bad : chunk.bad_rows)
        bad_rows_.add(chunk.part, bad.number, bad.reason);
      for (const EventChunk::Row& row : chunk.rows) latest = std::max(latest, row.time);
      add_events(chunk);
      progress.advance(static_cast<int64_t>(chunk.rows.size() + chunk.bad_rows.size()));
    }
    SERENDIP_CHECK(sorter_.event_count() > 0, "{}: no good event ({} bad rows)", options_.events,
                   bad_rows_.count() - bad_before);
    if (latest > kMilliseconds)
      spdlog::warn("{}: times up to {}: expected seconds, are these milliseconds?", options_.events,
                   latest);
  }

  // Each tag once an item, whatever its case, in order of first appearance.
  void read_tags() {
    std::vector<std::set<std::string>> seen(title_.size());
    int64_t unknown = 0;
    read(options_.tags, {options_.tags_item, options_.tags_text}, {options_.delimiter}, "tags",
         [&](const TableRow& row) -> std::string {
           if (row.fields[0].empty()) return fmt::format("empty '{}'", options_.tags_item);
           const std::optional<int32_t> item = items_.find(row.fields[0]);
           unknown += !item;
           if (!item) return {};
           const auto index = static_cast<size_t>(*item);
           if (seen[index].insert(to_lower(row.fields[1])).second)
             append_text(text_[index], row.fields[1]);
           return {};
         });
    if (unknown > 0)
      spdlog::warn("{}: {} tags of items that are neither in {} nor in {}", options_.tags, unknown,
                   options_.items.empty() ? "an items file" : options_.items, options_.events);
  }

  nlohmann::json write(const fs::path& data_h5) {
    Dataset dataset;
    dataset.item_id = items_.ids();
    dataset.item_title = std::move(title_);
    dataset.item_text = std::move(text_);
    dataset.user_id = users_.ids();
    dataset.user_offset = sorter_.user_offsets();
    write_hdf5(data_h5, [&](Hdf5File& file) {
      write_catalogue(dataset, file);
      write_events(file);
    });
    return {{"items", dataset.item_count()},
            {"users", dataset.user_count()},
            {"events", sorter_.event_count()},
            {"bad_rows", bad_rows_.count()},
            {"items_without_metadata", dataset.item_count() - items_with_metadata_}};
  }

 private:
  // `use` returns why it cannot use the row, or "".
  template <typename Use>
  void read(const fs::path& path, const std::vector<std::string>& columns, const TextFormat& format,
            const char* unit, const Use& use) {
    Progress progress("import", 0, unit);
    int64_t rows = 0;
    read_table(path, columns, format, [&](const fs::path& part, const TableRow& row) {
      const std::string problem = row.problem.empty() ? use(row) : row.problem;
      if (!problem.empty()) bad_rows_.add(part, row.number, problem);
      if (++rows % kTicks == 0) {
        progress.advance(kTicks);
        throw_if_interrupted();
      }
    });
    progress.advance(rows % kTicks);
  }

  void add_events(const EventChunk& chunk) {
    constexpr size_t kAhead = 16;  // rows whose ids are looked for in time
    const std::string_view ids = chunk.ids;
    size_t begin = 0;
    for (size_t i = 0; i < chunk.rows.size(); ++i) {
      if (i + kAhead < chunk.rows.size()) {
        users_.prefetch(chunk.rows[i + kAhead].user_hash);
        items_.prefetch(chunk.rows[i + kAhead].item_hash);
      }
      const EventChunk::Row& row = chunk.rows[i];
      const std::string_view user = ids.substr(begin, row.user_end - begin),
                             item = ids.substr(row.user_end, row.item_end - row.user_end);
      begin = row.item_end;
      sorter_.add({row.time, users_.add(user, row.user_hash).first,
                   item_number(item, row.item_hash), row.reward});
    }
  }

  int32_t item_number(std::string_view id, uint64_t hash) {
    const auto [number, is_new] = items_.add(id, hash);
    if (is_new) {
      title_.emplace_back(id);
      text_.emplace_back();
    }
    return number;
  }

  void append_text(std::string& text, const std::string& more) const {
    if (more.empty()) return;
    if (!text.empty()) text += ' ';
    for (const char byte : more)
      text += options_.text_delimiter.find(byte) == std::string::npos ? byte : ' ';
  }

  void write_events(Hdf5File& file) {
    file.create_growable<int32_t>("/events/item");
    file.create_growable<int64_t>("/events/time");
    file.create_growable<float>("/events/reward");
    sorter_.sort([&](std::span<const ImportedEvent> events) {
      std::vector<int32_t> item;
      std::vector<int64_t> time;
      std::vector<float> reward;
      for (const ImportedEvent& event : events) {
        item.push_back(event.item);
        time.push_back(event.time);
        reward.push_back(event.reward);
      }
      file.append<int32_t>("/events/item", item);
      file.append<int64_t>("/events/time", time);
      file.append<float>("/events/reward", reward);
    });
  }

  const ImportOptions& options_;
  BadRows bad_rows_;
  IdIndex items_, users_;
  std::vector<std::string> title_, text_;  // by item
  int64_t items_with_metadata_ = 0;
  EventSorter sorter_;
};

void check_options(const ImportOptions& options) {
  SERENDIP_CHECK(!options.events.empty(), "import.events: expected a file or folder, got nothing");
  for (const auto& [key, column] :
       {std::pair("event_user", &options.event_user), std::pair("event_item", &options.event_item),
        std::pair("event_time", &options.event_time), std::pair("item_id", &options.item_id),
        std::pair("tags_item", &options.tags_item), std::pair("tags_text", &options.tags_text)})
    SERENDIP_CHECK(!column->empty(), "import.{}: expected a column name, got nothing", key);
}

}  // namespace

void ImportOptions::declare(OptionSet& set) {
  const Constraint<std::string> one_byte{
      [](const std::string& text) {
        return text.empty() || text == "\\t" ||
               ((text.size() == 1 || (text.size() == 2 && text[0] == text[1])) && text[0] > 0 &&
                text.find_first_of("\"\r\n") == text.npos);
      },
      "one ASCII character, one twice, or \\t"};
  set.add("events", events, "event log: .csv .tsv .inter (or .gz), .parquet, or a folder of parts");
  set.add("events_format", events_format,
          "rows with named columns, or lines \"user item item …\" without times",
          one_of({"table", "sequences"}));
  set.add("event_columns", event_columns, "columns of events in files without a header line");
  set.add("item_columns", item_columns, "columns of items in files without a header line");
  set.add("items", items, "items with titles and metadata; empty = known from the events alone");
  set.add("tags", tags, "tags of items, one a row, joined to the item's text");
  set.add("event_user", event_user, "column of the user's id in events");
  set.add("event_item", event_item, "column of the item's id in events");
  set.add("event_time", event_time, "column of the time in events, seconds");
  set.add("event_reward", event_reward, "column of the reward in events; empty = 1 for each event");
  set.add("item_id", item_id, "column of the item's id in items");
  set.add("item_title", item_title, "column of the title in items; empty = the id");
  set.add("item_text", item_text, "columns of items joined into the item's text");
  set.add("tags_item", tags_item, "column of the item's id in tags");
  set.add("tags_text", tags_text, "column of the tag in tags");
  set.add("delimiter", delimiter, "between fields of text files; empty = by extension", one_byte);
  set.add("text_delimiter", text_delimiter,
          "characters replaced by spaces in the item's text, as | in Action|Drama");
  set.add("max_bad_rows", max_bad_rows, "bad rows that are skipped before import gives up",
          at_least(int64_t{0}));
}

nlohmann::json import_data(const ImportOptions& options, const fs::path& data_h5) {
  check_options(options);
  const fs::path folder = data_h5.has_parent_path() ? data_h5.parent_path() : fs::path(".");
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  Importer importer(options, folder);
  if (!options.items.empty()) importer.read_items();
  importer.read_events();
  if (!options.tags.empty()) importer.read_tags();
  nlohmann::json result = importer.write(data_h5);
  spdlog::info("imported {} events of {} users on {} items ({} without metadata, {} bad rows)",
               result["events"].get<int64_t>(), result["users"].get<int64_t>(),
               result["items"].get<int64_t>(), result["items_without_metadata"].get<int64_t>(),
               result["bad_rows"].get<int64_t>());
  return result;
}

}  // namespace serendip
