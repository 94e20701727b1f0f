#include "data/event_chunks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

const EventColumns kColumns = {"user_id", "item_id", "timestamp", "reward"};

// More rows than a chunk has; the last of each hundred is bad.
std::string rows_text(int rows) {
  std::string text = "user_id,item_id,timestamp,reward\n";
  for (int row = 0; row < rows; ++row)
    text += fmt::format("u{},i{},{},{}\n", row % 7, row, row, row % 100 == 99 ? "bad" : "2.5");
  return text;
}

// Everything, as text.
std::string read_chunks(const std::filesystem::path& part) {
  EventChunks chunks(part, kColumns, {});
  std::string text;
  EventChunk chunk;
  while (chunks.next(chunk)) {
    size_t begin = 0;
    for (const EventChunk::Row& row : chunk.rows) {
      const std::string user = chunk.ids.substr(begin, row.user_end - begin);
      const std::string item = chunk.ids.substr(row.user_end, row.item_end - row.user_end);
      EXPECT_EQ(row.user_hash, hash64(user));
      EXPECT_EQ(row.item_hash, hash64(item));
      text += fmt::format("{} {} {} {}\n", user, item, row.time, row.reward);
      begin = row.item_end;
    }
    for (const BadRow& bad : chunk.bad_rows)
      text += fmt::format("{}: {}\n", bad.number, bad.reason);
  }
  return text;
}

TEST(EventChunks, AllRowsInOrder) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", rows_text(40000));
  const std::string text = read_chunks(folder / "a.csv");
  EXPECT_TRUE(text.starts_with("u0 i0 0 2.5\nu1 i1 1 2.5\n"));
  EXPECT_NE(text.find("\n101: reward 'bad' is no finite number\n"), std::string::npos);
  EXPECT_LT(text.find(" i16000 16000 "), text.find(" i39998 39998 "));
  EXPECT_NE(text.find(" i39998 39998 "), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 40000);
  write_file(folder / "none.csv", rows_text(0));
  EXPECT_EQ(read_chunks(folder / "none.csv"), "");
}

TEST(EventChunks, EndsEarlyWhenNobodyReads) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", rows_text(200000));
  EventChunks chunks(folder / "a.csv", kColumns, {});
  EventChunk chunk;
  EXPECT_TRUE(chunks.next(chunk));
}

TEST(EventChunks, FailsAfterTheRowsBefore) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", rows_text(40000) + "u,\"open");
  EventChunks chunks(folder / "a.csv", kColumns, {});
  EventChunk chunk;
  EXPECT_TRUE(chunks.next(chunk));
  EXPECT_EQ(error_of([&] {
              while (chunks.next(chunk)) {
              }
            }),
            (folder / "a.csv").string() +
                ":40002: a quoted field of this row is not closed before the file ends");
}

}  // namespace
}  // namespace serendip
