#include "data/csv_reader.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr size_t kBlock = 1 << 18;       // bytes read at a time
constexpr size_t kLongestRow = 1 << 24;  // bytes; beyond it a quote was left open

// The bytes of a file, unpacked where it is gzip'd.
class ByteSource {
 public:
  explicit ByteSource(const fs::path& path) : path_(path), block_(kBlock) {
    file_ = gzopen(path.c_str(), "rb");
    SERENDIP_CHECK(file_ != nullptr, "{}: cannot open: {}", path.string(), strerror(errno));
    gzbuffer(file_, kBlock);
  }
  ~ByteSource() { gzclose(file_); }
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // The next byte without taking it; -1 at the end.
  int peek() {
    if (position_ == size_) fill();
    return position_ < size_ ? static_cast<unsigned char>(block_[position_]) : -1;
  }
  int take() {
    const int byte = peek();
    position_ += byte >= 0;
    return byte;
  }
  // Appends bytes up to the next that may mean something outside quotes, or the block's end.
  void take_plain(int delimiter, std::string& text) {
    const size_t begin = position_;
    for (; position_ < size_; ++position_) {
      const int byte = static_cast<unsigned char>(block_[position_]);
      if (byte == delimiter || byte == '\n' || byte == '\r' || byte == '"') break;
    }
    text.append(block_.data() + begin, position_ - begin);
  }

 private:
  void fill() {
    if (ended_) return;
    const int got = gzread(file_, block_.data(), kBlock);
    int status = Z_OK;
    const char* message = gzerror(file_, &status);
    SERENDIP_CHECK(got >= 0 && status == Z_OK, "{}: cannot read: {}", path_.string(),
                   status == Z_ERRNO       ? strerror(errno)
                   : status == Z_BUF_ERROR ? "the gzip data end early"
                                           : message);
    position_ = 0;
    size_ = static_cast<size_t>(got);
    ended_ = got == 0;
  }

  fs::path path_;
  gzFile file_;
  std::vector<char> block_;
  size_t position_ = 0, size_ = 0;
  bool ended_ = false;
};

class CsvReader : public TableReader {
 public:
  CsvReader(const fs::path& path, const std::vector<std::string>& columns,
            const std::string& delimiter, const std::vector<std::string>& header)
      : path_(path), delimiter_(delimiter[0]), doubled_(delimiter.size() > 1), source_(path) {
    for (const int byte : {0xef, 0xbb, 0xbf})
      if (source_.peek() == byte) source_.take();
    SERENDIP_CHECK(!header.empty() || read_record(), "{}: empty: expected a header line",
                   path.string());
    header_size_ = header.empty() ? field_count_ : header.size();
    column_index_ = find_columns(path, header.empty() ? fields_ : header, columns);
  }

  bool next(TableRow& row) override {
    if (!read_record()) return false;
    row.number = record_line_;
    row.problem = problem_;
    if (row.problem.empty() && field_count_ != header_size_)
      row.problem = fmt::format("{} fields, expected {}", field_count_, header_size_);
    row.fields.resize(column_index_.size());
    for (size_t column = 0; column < column_index_.size(); ++column) {
      const auto index = static_cast<size_t>(column_index_[column]);
      if (column_index_[column] >= 0 && index < field_count_)
        row.fields[column] = fields_[index];
      else
        row.fields[column].clear();
    }
    return true;
  }

 private:
  // Fills fields_[0, field_count_), skipping blank lines; false at the end.
  bool read_record() {
    do {
      if (source_.peek() < 0) return false;
      parse_record();
    } while (blank_);
    return true;
  }

  void parse_record() {
    enum class State { kFieldStart, kPlain, kQuoted, kClosed };
    record_line_ = line_;
    field_count_ = 0;
    problem_.clear();
    blank_ = true;
    std::string* field = &start_field();
    State state = State::kFieldStart;
    for (size_t length = 0;; ++length) {
      const int byte = source_.take();
      if (state == State::kQuoted) {
        SERENDIP_CHECK(byte >= 0 && length < kLongestRow,
                       "{}:{}: a quoted field of this row is not closed {}", path_.string(),
                       record_line_, byte < 0 ? "before the file ends" : "within 16 MiB");
        line_ += byte == '\n';
        if (byte == '"')
          state = State::kClosed;
        else
          field->push_back(static_cast<char>(byte));
        continue;
      }
      if (byte < 0) return;
      if (byte == '\n') {
        ++line_;
        return;
      }
      if (byte == '\r' && source_.peek() == '\n') continue;
      blank_ = false;
      if (byte == delimiter_ && (!doubled_ || source_.peek() == delimiter_)) {
        if (doubled_) source_.take();
        field = &start_field();
        state = State::kFieldStart;
      } else if (byte == '"' && state == State::kFieldStart) {
        state = State::kQuoted;
      } else if (byte == '"' && state == State::kClosed) {
        field->push_back('"');
        state = State::kQuoted;
      } else {
        if (state == State::kClosed) problem_ = "text after a closing quote";
        field->push_back(static_cast<char>(byte));
        source_.take_plain(delimiter_, *field);
        state = State::kPlain;
      }
    }
  }

  std::string& start_field() {
    if (field_count_ == fields_.size()) fields_.emplace_back();
    std::string& field = fields_[field_count_++];
    field.clear();
    return field;
  }

  fs::path path_;
  int delimiter_;
  bool doubled_;
  ByteSource source_;
  std::vector<std::string> fields_;  // of the record just read; longer than field_count_ at times
  size_t field_count_ = 0, header_size_ = 0;
  std::vector<int> column_index_;
  std::string problem_;
  bool blank_ = false;
  int64_t line_ = 1, record_line_ = 1;
};

}  // namespace

std::unique_ptr<TableReader> open_csv(const fs::path& path, const std::vector<std::string>& columns,
                                      const std::string& delimiter,
                                      const std::vector<std::string>& header) {
  return std::make_unique<CsvReader>(path, columns, delimiter, header);
}

}  // namespace serendip
