#include "data/import.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/made_ahead.h"
#include "base/parallel_items.h"
#include "base/progress.h"
#include "data/dataset.h"
#include "data/event_part.h"
#include "data/event_sorter.h"
#include "data/import_rows.h"
#include "data/table_reader.h"
#include "data/words.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kTicks = 1 << 14;  // rows between looks at the clock and for an interrupt
constexpr int64_t kMilliseconds = 100'000'000'000;  // as seconds: the year 5138

EventColumns event_columns(const ImportOptions& options) {
  return {options.event_user, options.event_item, options.event_time, options.event_reward};
}

TextFormat event_format(const ImportOptions& options) {
  return {options.delimiter, options.event_columns, options.events_format == "sequences"};
}

fs::path folder_of(const fs::path& data_h5) {
  return data_h5.has_parent_path() ? data_h5.parent_path() : fs::path(".");
}
fs::path parts_folder(const fs::path& data_h5) { return folder_of(data_h5) / "import.parts"; }

// Where each part of the log is kept once read, in order.
std::vector<fs::path> kept_parts(const ImportOptions& options, const fs::path& data_h5) {
  std::vector<fs::path> kept;
  for (const fs::path& part : table_parts(options.events))
    kept.push_back(event_part_path(parts_folder(data_h5), part, event_columns(options),
                                   event_format(options)));
  return kept;
}

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

  // From the parts as they were kept. While one is added the ids of the next are numbered.
  void add_events(const std::vector<fs::path>& kept) {
    const std::vector<fs::path> parts = table_parts(options_.events);
    const int64_t bad_before = bad_rows_.count();
    for_each_made_ahead(
        parts.size(), [&](size_t part) { return number_part(kept[part]); },
        [&](size_t part, NumberedPart& numbered) {
          bad_rows_.add(parts[part], numbered.events.bad_rows());
          add_part(numbered);
        });
    for (size_t item = title_.size(); item < items_.list().size(); ++item) {
      title_.emplace_back(items_.list()[item]);
      text_.emplace_back();
    }
    SERENDIP_CHECK(sorter_.event_count() > 0, "{}: no good event ({} bad rows)", options_.events,
                   bad_rows_.count() - bad_before);
    if (latest_ > kMilliseconds)
      spdlog::warn("{}: times up to {}: expected seconds, are these milliseconds?", options_.events,
                   latest_);
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

  struct NumberedPart {
    EventPart events;
    std::vector<int32_t> user, item;  // of the part's own numbers
  };

  NumberedPart number_part(const fs::path& path) {
    EventPart events(path);
    std::vector<int32_t> user = numbers_of(events.users(), users_),
                         item = numbers_of(events.items(), items_);
    return {std::move(events), std::move(user), std::move(item)};
  }

  void add_part(NumberedPart& part) {
    for (std::vector<ImportedEvent> events; part.events.next(events);) {
      throw_if_interrupted();
      for (const ImportedEvent& event : events) {
        latest_ = std::max(latest_, event.time);
        sorter_.add({event.time, part.user.at(static_cast<size_t>(event.user)),
                     part.item.at(static_cast<size_t>(event.item)), event.reward});
      }
    }
  }

  // Of a part's ids, new ones numbered in its order: by first appearance in the whole log.
  static std::vector<int32_t> numbers_of(const TextList& ids, IdIndex& index) {
    constexpr size_t kAhead = 16;  // ids that are looked for in time
    std::vector<uint64_t> hash(ids.size());
    for (size_t id = 0; id < ids.size(); ++id) hash[id] = hash64(ids[id]);
    std::vector<int32_t> numbers(ids.size());
    for (size_t id = 0; id < ids.size(); ++id) {
      if (id + kAhead < ids.size()) index.prefetch(hash[id + kAhead]);
      numbers[id] = index.add(ids[id], hash[id]).first;
    }
    return numbers;
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
      item.reserve(events.size());
      time.reserve(events.size());
      reward.reserve(events.size());
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
  int64_t items_with_metadata_ = 0, latest_ = 0;
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

int64_t count_event_parts(const ImportOptions& options) {
  check_options(options);
  return static_cast<int64_t>(table_parts(options.events).size());
}

void read_event_parts(const ImportOptions& options, const fs::path& data_h5,
                      const PartSharing& sharing) {
  const std::vector<fs::path> parts = table_parts(options.events),
                              kept = kept_parts(options, data_h5);
  const auto before = std::count_if(kept.begin(), kept.end(),
                                    [](const fs::path& path) { return fs::exists(path); });
  if (before > 0)
    spdlog::info("import: {} of {} parts of {} were read before", before, parts.size(),
                 options.events);
  Progress progress("import", 0, "events");
  std::mutex mutex;  // of progress
  std::atomic<bool> failed = false;
  const auto advance = [&](int64_t rows) {
    throw_if_interrupted();
    SERENDIP_CHECK(!failed, "another part failed");
    const std::lock_guard lock(mutex);
    progress.advance(rows);
  };
  const auto read = [&](int64_t, int64_t number) {
    const auto part = static_cast<size_t>(number);
    if (!fs::exists(kept[part]))
      write_event_part(kept[part], parts[part], event_columns(options), event_format(options),
                       options.max_bad_rows, advance);
    sharing.finish(number);
  };
  for_each_item(std::min<int64_t>(omp_get_max_threads(), std::ssize(parts)), sharing.next, read,
                [&] {
                  failed = true;
                  sharing.give_up();
                });
}

nlohmann::json import_data(const ImportOptions& options, const fs::path& data_h5,
                           const PartSharing& sharing) {
  check_options(options);
  std::error_code ignored;
  fs::create_directories(folder_of(data_h5), ignored);
  Importer importer(options, folder_of(data_h5));
  if (!options.items.empty()) importer.read_items();
  read_event_parts(options, data_h5, sharing);
  importer.add_events(kept_parts(options, data_h5));
  if (!options.tags.empty()) importer.read_tags();
  nlohmann::json result = importer.write(data_h5);
  fs::remove_all(parts_folder(data_h5));
  spdlog::info("imported {} events of {} users on {} items ({} without metadata, {} bad rows)",
               result["events"].get<int64_t>(), result["users"].get<int64_t>(),
               result["items"].get<int64_t>(), result["items_without_metadata"].get<int64_t>(),
               result["bad_rows"].get<int64_t>());
  return result;
}

nlohmann::json import_data(const ImportOptions& options, const fs::path& data_h5) {
  const int64_t parts = count_event_parts(options);
  std::atomic<int64_t> taken = 0;
  const auto next = [&]() -> std::optional<int64_t> {
    const int64_t part = taken++;
    return part < parts ? std::optional(part) : std::nullopt;
  };
  return import_data(options, data_h5, {next, [](int64_t) {}, [] {}});
}

}  // namespace serendip
