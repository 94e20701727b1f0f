#include "data/table_reader.h"
#include "tests/fuzz/fuzz_folder.h"

// The first byte chooses the format; the rest is the file.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  serendip::TextFormat format;
  format.delimiter = std::vector<std::string>{",", "\\t", "::", "|"}[data[0] & 3];
  if (data[0] & 4) format.header = {"a", "b", "c"};
  format.sequences = (data[0] & 24) == 24;
  const std::vector<std::string> columns = format.sequences
                                               ? std::vector<std::string>{"user_id", "item_id", ""}
                                               : std::vector<std::string>{"a", "c", ""};
  const char* name = data[0] & 32 ? "events.csv.gz" : "events.csv";
  return serendip::fuzz_file(name, data + 1, size - 1, [&](const auto& folder) {
    serendip::read_part(folder / name, columns, format, [&](const serendip::TableRow& row) {
      SERENDIP_CHECK(row.fields.size() == columns.size(), "fields");
      if (!row.problem.empty() || row.number < 1) return;
      // What is passed on as good is text without NUL bytes.
      for (const std::string& field : row.fields)
        if (field.find('\0') != std::string::npos) __builtin_trap();
    });
  });
}
