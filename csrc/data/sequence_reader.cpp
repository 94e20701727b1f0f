#include "data/sequence_reader.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/check.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

class SequenceReader : public TableReader {
 public:
  SequenceReader(const fs::path& path, const std::vector<std::string>& columns)
      : path_(path),
        file_(path),
        column_index_(find_columns(path, {"user_id", "item_id", "timestamp"}, columns)) {
    SERENDIP_CHECK(file_.good(), "{}: cannot open: {}", path.string(), strerror(errno));
  }

  bool next(TableRow& row) override {
    std::string item;
    row.problem.clear();
    if (!(words_ >> item)) {
      if (!next_line()) return false;
      if (!(words_ >> item)) row.problem = "a user without items";
    }
    const std::string values[] = {user_, item, std::to_string(place_++)};
    row.number = line_;
    row.fields.clear();
    for (const int index : column_index_)
      row.fields.push_back(index < 0 ? "" : values[static_cast<size_t>(index)]);
    return true;
  }

 private:
  // The next line with a user; false at the end.
  bool next_line() {
    std::string line;
    while (std::getline(file_, line)) {
      ++line_;
      words_ = std::istringstream(line);
      place_ = 0;
      if (words_ >> user_) return true;
    }
    SERENDIP_CHECK(file_.eof(), "{}: cannot read: {}", path_.string(), strerror(errno));
    return false;
  }

  fs::path path_;
  std::ifstream file_;
  std::vector<int> column_index_;
  std::istringstream words_;
  std::string user_;
  int64_t line_ = 0, place_ = 0;
};

}  // namespace

std::unique_ptr<TableReader> open_sequences(const fs::path& path,
                                            const std::vector<std::string>& columns) {
  return std::make_unique<SequenceReader>(path, columns);
}

}  // namespace serendip
