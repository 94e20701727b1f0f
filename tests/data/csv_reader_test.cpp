#include "data/csv_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

struct Read {
  int64_t number;
  std::vector<std::string> fields;
  std::string problem;
  bool operator==(const Read&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Read& read) {
  out << read.number << ":";
  for (const std::string& field : read.fields) out << " [" << field << "]";
  return out << " " << read.problem;
}

std::vector<Read> read_all(const std::filesystem::path& path,
                           const std::vector<std::string>& columns, const TextFormat& format = {}) {
  std::vector<Read> rows;
  read_table(path, columns, format, [&](const auto&, const TableRow& row) {
    rows.push_back({row.number, row.fields, row.problem});
  });
  return rows;
}

std::vector<Read> read_text(const std::string& text, const std::vector<std::string>& columns) {
  const TemporaryFolder folder;
  write_file(folder / "a.csv", text);
  return read_all(folder / "a.csv", columns);
}

TEST(CsvReader, QuotingAsInRfc4180) {
  EXPECT_EQ(read_text("a,b\n"
                      "\"x, y\",\"say \"\"hi\"\"\"\n"
                      "\"two\r\nlines\",\"\"\n"
                      "in\"side,\"\"\"\"\n"
                      "last,row",
                      {"a", "b"}),
            (std::vector<Read>{{2, {"x, y", "say \"hi\""}, ""},
                               {3, {"two\r\nlines", ""}, ""},
                               {5, {"in\"side", "\""}, ""},
                               {6, {"last", "row"}, ""}}));
}

TEST(CsvReader, LineEndsByteOrderMarkAndBlankLines) {
  EXPECT_EQ(read_text("\xef\xbb\xbf"
                      "a,b\r\n1,2\r\n\r\n\n3,\r\n",
                      {"b", "a"}),
            (std::vector<Read>{{2, {"2", "1"}, ""}, {5, {"", "3"}, ""}}));
}

TEST(CsvReader, UnusableRowsHaveTheirReason) {
  EXPECT_EQ(read_text("a,b\n1\n1,2,3\n\"x\"y,2\n1,2\n\xff,2\n", {"a"}),
            (std::vector<Read>{{2, {"1"}, "1 fields, expected 2"},
                               {3, {"1"}, "3 fields, expected 2"},
                               {4, {"xy"}, "text after a closing quote"},
                               {5, {"1"}, ""},
                               {6, {"\xff"}, "column 'a' is not UTF-8 text"}}));
}

TEST(CsvReader, OnlyWellFormedUtf8WithoutNulIsText) {
  const std::string nul("a\n1\0002\n", 6);
  for (const std::string& bad :
       {nul, std::string("a\n\xc0\xaf\n"), std::string("a\n\xed\xa0\x80\n"),
        std::string("a\n\xf4\x90\x80\x80\n"), std::string("a\n\xe2\x82\n")})
    EXPECT_EQ(read_text(bad, {"a"}).at(0).problem, "column 'a' is not UTF-8 text");
  EXPECT_EQ(read_text("a\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xac\n", {"a"}).at(0).problem, "");
}

TEST(CsvReader, HeaderMayCarryTypes) {
  const TemporaryFolder folder;
  write_file(folder / "a.inter", "user_id:token\titem_id:token\trating:float\n7\t\"8\t9\"\t3.5\n");
  EXPECT_EQ(read_all(folder / "a.inter", {"rating", "item_id:token", ""}),
            (std::vector<Read>{{2, {"3.5", "8\t9", ""}, ""}}));
}

TEST(CsvReader, DelimiterByExtensionOrByOption) {
  const TemporaryFolder folder;
  write_file(folder / "a.tsv", "a\tb\n1,0\t2\n");
  write_file(folder / "a.dat", "a;b\n1;2\n");
  EXPECT_EQ(read_all(folder / "a.tsv", {"a"}), (std::vector<Read>{{2, {"1,0"}, ""}}));
  EXPECT_EQ(read_all(folder / "a.dat", {"b"}, {";"}), (std::vector<Read>{{2, {"2"}, ""}}));
  EXPECT_NE(error_of([&] { read_all(folder / "a.dat", {"a"}); }).find("unknown extension '.dat'"),
            std::string::npos);
}

TEST(CsvReader, DoubledDelimiterWithoutAHeaderLine) {
  const TemporaryFolder folder;
  write_file(folder / "ratings.dat", "1::a:b::5\n2::::3\n:::::\n4::x\n");
  const TextFormat format{"::", {"user", "item", "rating"}};
  EXPECT_EQ(read_all(folder / "ratings.dat", {"item", "rating"}, format),
            (std::vector<Read>{{1, {"a:b", "5"}, ""},
                               {2, {"", "3"}, ""},
                               {3, {"", ":"}, ""},
                               {4, {"x", ""}, "2 fields, expected 3"}}));
  EXPECT_NE(error_of([&] {
              read_all(folder / "ratings.dat", {"time"}, format);
            }).find("no column 'time'; it has: user, item, rating"),
            std::string::npos);
}

TEST(SequenceReader, ARowForEveryItemOfALine) {
  const TemporaryFolder folder;
  write_file(folder / "beauty.txt", "7 a b\ta\r\n\n  8  c \n9\n10 d");
  TextFormat format;
  format.sequences = true;
  EXPECT_EQ(read_all(folder / "beauty.txt", {"timestamp", "item_id", "", "user_id"}, format),
            (std::vector<Read>{{1, {"0", "a", "", "7"}, ""},
                               {1, {"1", "b", "", "7"}, ""},
                               {1, {"2", "a", "", "7"}, ""},
                               {3, {"0", "c", "", "8"}, ""},
                               {4, {"0", "", "", "9"}, "a user without items"},
                               {5, {"0", "d", "", "10"}, ""}}));
  EXPECT_NE(error_of([&] {
              read_all(folder / "beauty.txt", {"rating"}, format);
            }).find("no column 'rating'; it has: user_id, item_id, timestamp"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              read_all(folder / "absent.txt", {"user_id"}, format);
            }).find("absent.txt: no such file"),
            std::string::npos);
}

TEST(CsvReader, ErrorsNameWhatIsWrong) {
  EXPECT_NE(error_of([] { read_text("", {"a"}); }).find("a.csv: empty: expected a header line"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              read_text("x,y\n1,2\n", {"x", "item"});
            }).find("a.csv: no column 'item'; it has: x, y"),
            std::string::npos);
  EXPECT_NE(error_of([] {
              read_text("a\n1\n\"open\n2\n3\n", {"a"});
            }).find("a.csv:3: a quoted field of this row is not closed before the file ends"),
            std::string::npos);
}

void write_gzip(const std::filesystem::path& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  gzclose(file);
}

TEST(CsvReader, GzipIsUnpackedAndItsDamageSeen) {
  const TemporaryFolder folder;
  std::string text = "a,b\n";
  for (int row = 0; row < 50000; ++row) text += std::to_string(row * 7919 % 50000) + ",x\n";
  write_gzip(folder / "a.csv.gz", text);
  const std::vector<Read> rows = read_all(folder / "a.csv.gz", {"a"});
  ASSERT_EQ(rows.size(), 50000u);
  EXPECT_EQ(rows[1].fields[0], "7919");
  EXPECT_EQ(rows.back().number, 50001);

  const std::string packed = read_file(folder / "a.csv.gz");
  write_file(folder / "short.csv.gz", packed.substr(0, packed.size() / 2));
  EXPECT_NE(error_of([&] {
              read_all(folder / "short.csv.gz", {"a"});
            }).find("short.csv.gz: cannot read: the gzip data end early"),
            std::string::npos);
  std::string damaged = packed;
  damaged[packed.size() / 2] = static_cast<char>(~damaged[packed.size() / 2]);
  write_file(folder / "damaged.csv.gz", damaged);
  EXPECT_NE(error_of([&] {
              read_all(folder / "damaged.csv.gz", {"a"});
            }).find("damaged.csv.gz: cannot read: "),
            std::string::npos);
}

TEST(TableReader, AFolderIsReadInNameOrder) {
  const TemporaryFolder folder;
  write_file(folder / "p/part-2.csv", "b,a\n0,3\n");
  write_file(folder / "p/part-1.csv", "a,b\n1,0\n2,0\n");
  write_file(folder / "p/day=3/part.csv", "a\n0\n");
  write_file(folder / "p/_SUCCESS", "");
  write_file(folder / "p/.part-1.csv.crc", "x");
  write_file(folder / "p/_delta/log.csv", "a\n9\n");
  std::string order;
  for (const Read& row : read_all(folder / "p", {"a"})) order += row.fields[0];
  EXPECT_EQ(order, "0123");
  std::filesystem::create_directories(folder / "none");
  EXPECT_NE(error_of([&] { read_all(folder / "none", {"a"}); }).find("none: the folder holds no"),
            std::string::npos);
  EXPECT_NE(error_of([&] { read_all(folder / "absent", {"a"}); }).find("absent: no such file"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
