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

// Of three parts: more rows than a chunk has, one, and none; the 100th row of each ten is bad.
void write_parts(const TemporaryFolder& folder) {
  for (const auto& [name, rows] : {std::pair("a.csv", 40000), {"b.csv", 1}, {"c.csv", 0}}) {
    std::string text = "user_id,item_id,timestamp,reward\n";
    for (int row = 0; row < rows; ++row)
      text += fmt::format("u{},i{},{},{}\n", row % 7, row, row, row % 100 == 99 ? "bad" : "2.5");
    write_file(folder / name, text);
  }
}

// Everything, as text.
std::string read_chunks(const std::filesystem::path& folder, int64_t threads) {
  EventChunks chunks(folder, kColumns, {}, threads);
  std::string text;
  EventChunk chunk;
  while (chunks.next(chunk)) {
    size_t begin = 0;
    for (const EventChunk::Row& row : chunk.rows) {
      const std::string user = chunk.ids.substr(begin, row.user_end - begin);
      const std::string item = chunk.ids.substr(row.user_end, row.item_end - row.user_end);
      EXPECT_EQ(row.user_hash, hash64(user));
      EXPECT_EQ(row.item_hash, hash64(item));
      text += fmt::format("{} {} {} {} {}\n", chunk.part.filename().string(), user, item, row.time,
                          row.reward);
      begin = row.item_end;
    }
    for (const EventChunk::BadRow& bad : chunk.bad_rows)
      text += fmt::format("{}: {}\n", bad.number, bad.reason);
  }
  return text;
}

TEST(EventChunks, SameForAnyThreadCount) {
  const TemporaryFolder folder;
  write_parts(folder);
  const std::string one = read_chunks(folder.path(), 1);
  EXPECT_TRUE(one.starts_with("a.csv u0 i0 0 2.5\na.csv u1 i1 1 2.5\n"));
  EXPECT_NE(one.find("\n101: reward 'bad' is no finite number\n"), std::string::npos);
  EXPECT_EQ(std::count(one.begin(), one.end(), '\n'), 40001);
  for (const int64_t threads : {2, 3, 8}) EXPECT_EQ(read_chunks(folder.path(), threads), one);
}

TEST(EventChunks, EndsEarlyWhenNobodyReads) {
  const TemporaryFolder folder;
  write_parts(folder);
  for (const int64_t threads : {1, 3}) {
    EventChunks chunks(folder.path(), kColumns, {}, threads);
    EventChunk chunk;
    EXPECT_TRUE(chunks.next(chunk));
  }
}

TEST(EventChunks, ABrokenPartFailsAfterThoseBefore) {
  const TemporaryFolder folder;
  write_parts(folder);
  write_file(folder / "b.csv", "user_id,item_id\n");
  EXPECT_EQ(error_of([&] { read_chunks(folder.path(), 2); }),
            (folder / "b.csv").string() + ": no column 'timestamp'; it has: user_id, item_id");
}

}  // namespace
}  // namespace serendip
