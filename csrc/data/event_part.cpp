#include "data/event_part.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMagic = 0x3174726170766573;  // "sevpart1"; changes with the layout
constexpr int64_t kBlock = 1 << 16;             // events read at a time

// The file: events, users, items, reasons (each list its begins, then its text), the bad rows'
// numbers, this.
struct Footer {
  int64_t events, users, user_bytes, items, item_bytes, reasons, reason_bytes, bad_rows, magic;

  static int64_t list_bytes(int64_t size, int64_t text_bytes) {
    return (size + 1) * static_cast<int64_t>(sizeof(int64_t)) + text_bytes;
  }
  int64_t events_bytes() const { return events * static_cast<int64_t>(sizeof(ImportedEvent)); }
  int64_t file_bytes() const {
    return events_bytes() + list_bytes(users, user_bytes) + list_bytes(items, item_bytes) +
           list_bytes(reasons, reason_bytes) + reasons * static_cast<int64_t>(sizeof(int64_t)) +
           static_cast<int64_t>(sizeof(Footer));
  }
};

class PartWriter {
 public:
  explicit PartWriter(const fs::path& path) : path_(path), out_(path, std::ios::binary) {}

  template <typename T>
  void put(std::span<const T> values) {
    out_.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
    check();
  }
  void put(const TextList& list) {
    put<int64_t>(list.begin);
    put<char>(list.text);
  }
  void flush() {
    out_.flush();
    check();
  }

 private:
  void check() const {
    SERENDIP_CHECK(out_.good(), "{}: cannot write: {}", path_.string(), strerror(errno));
  }
  fs::path path_;
  std::ofstream out_;
};

// Events with the ids' numbers in the part.
std::vector<ImportedEvent> number_ids(const EventChunk& chunk, IdIndex& users, IdIndex& items) {
  constexpr size_t kAhead = 16;  // rows whose ids are looked for in time
  const std::string_view ids = chunk.ids;
  std::vector<ImportedEvent> events;
  events.reserve(chunk.rows.size());
  size_t begin = 0;
  for (size_t i = 0; i < chunk.rows.size(); ++i) {
    if (i + kAhead < chunk.rows.size()) {
      users.prefetch(chunk.rows[i + kAhead].user_hash);
      items.prefetch(chunk.rows[i + kAhead].item_hash);
    }
    const EventChunk::Row& row = chunk.rows[i];
    const std::string_view user = ids.substr(begin, row.user_end - begin),
                           item = ids.substr(row.user_end, row.item_end - row.user_end);
    begin = row.item_end;
    events.push_back({row.time, users.add(user, row.user_hash).first,
                      items.add(item, row.item_hash).first, row.reward});
  }
  return events;
}

int64_t size_of(const std::string& text) { return static_cast<int64_t>(text.size()); }

void write_end(const IdIndex& users, const IdIndex& items, const PartBadRows& bad_rows,
               int64_t events, PartWriter& out) {
  TextList reasons;
  std::vector<int64_t> numbers;
  for (const BadRow& row : bad_rows.first) {
    reasons.add(row.reason);
    numbers.push_back(row.number);
  }
  const TextList &user_list = users.list(), &item_list = items.list();
  for (const TextList* list : {&user_list, &item_list, &std::as_const(reasons)}) out.put(*list);
  out.put<int64_t>(numbers);
  const Footer footer = {events,
                         static_cast<int64_t>(user_list.size()),
                         size_of(user_list.text),
                         static_cast<int64_t>(item_list.size()),
                         size_of(item_list.text),
                         static_cast<int64_t>(reasons.size()),
                         size_of(reasons.text),
                         bad_rows.count,
                         kMagic};
  out.put<Footer>({&footer, 1});
  out.flush();
}

template <typename T>
void get(std::ifstream& in, const fs::path& path, std::span<T> values) {
  in.read(reinterpret_cast<char*>(values.data()),
          static_cast<std::streamsize>(values.size_bytes()));
  SERENDIP_CHECK(in.good(), "{}: cannot read: {}", path.string(), strerror(errno));
}

TextList get_list(std::ifstream& in, const fs::path& path, int64_t size, int64_t bytes) {
  TextList list;
  list.begin.resize(static_cast<size_t>(size) + 1);
  list.text.resize(static_cast<size_t>(bytes));
  get<int64_t>(in, path, list.begin);
  get<char>(in, path, list.text);
  return list;
}

}  // namespace

fs::path event_part_path(const fs::path& folder, const fs::path& source,
                         const EventColumns& columns, const TextFormat& format) {
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", source.string(), fs::file_size(source),
                  fs::last_write_time(source).time_since_epoch().count(), columns.user,
                  columns.item, columns.time, columns.reward, format.delimiter,
                  fmt::join(format.header, "\n"), format.sequences);
  return folder / hash_hex(key);
}

void write_event_part(const fs::path& path, const fs::path& source, const EventColumns& columns,
                      const TextFormat& format, int64_t max_bad_rows,
                      const std::function<void(int64_t)>& advance) {
  write_atomically(path, [&](const fs::path& temporary) {
    PartWriter out(temporary);
    IdIndex users, items;
    PartBadRows bad_rows;
    int64_t events = 0;
    EventChunks chunks(source, columns, format);
    for (EventChunk chunk; chunks.next(chunk);) {
      advance(static_cast<int64_t>(chunk.rows.size() + chunk.bad_rows.size()));
      for (BadRow& row : chunk.bad_rows) bad_rows.add(std::move(row));
      if (bad_rows.count > max_bad_rows) BadRows(max_bad_rows).add(source, bad_rows);
      out.put<ImportedEvent>(number_ids(chunk, users, items));
      events += static_cast<int64_t>(chunk.rows.size());
    }
    write_end(users, items, bad_rows, events, out);
  });
}

EventPart::EventPart(const fs::path& path) : path_(path), in_(path, std::ios::binary) {
  SERENDIP_CHECK(in_.good(), "{}: cannot open: {}", path.string(), strerror(errno));
  Footer footer{};
  const auto size = static_cast<int64_t>(fs::file_size(path));
  const auto footer_begin = size - static_cast<int64_t>(sizeof(Footer));
  in_.seekg(footer_begin);
  get<Footer>(in_, path, {&footer, 1});
  SERENDIP_CHECK(footer.magic == kMagic && footer.file_bytes() == size,
                 "{}: damaged: expected {} bytes, got {}; remove it", path.string(),
                 footer.file_bytes(), size);
  in_.seekg(footer.events_bytes());
  users_ = get_list(in_, path, footer.users, footer.user_bytes);
  items_ = get_list(in_, path, footer.items, footer.item_bytes);
  const TextList reasons = get_list(in_, path, footer.reasons, footer.reason_bytes);
  std::vector<int64_t> numbers(reasons.size());
  get<int64_t>(in_, path, numbers);
  for (size_t i = 0; i < reasons.size(); ++i)
    bad_rows_.first.push_back({numbers[i], std::string(reasons[i])});
  bad_rows_.count = footer.bad_rows;
  in_.seekg(0);
  unread_ = footer.events;
}

bool EventPart::next(std::vector<ImportedEvent>& events) {
  events.resize(static_cast<size_t>(std::min(unread_, kBlock)));
  get<ImportedEvent>(in_, path_, events);
  unread_ -= static_cast<int64_t>(events.size());
  return !events.empty();
}

}  // namespace serendip
