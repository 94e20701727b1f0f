#include <gtest/gtest.h>

#include "base/check.h"
#include "base/file.h"
#include "data/dataset.h"
#include "data/import.h"
#include "data/parquet_reader.h"
#include "tests/base/temporary_folder.h"
#include "tests/data/parquet_fixture.h"

namespace serendip {
namespace {

ParquetEvents five_events() {
  return {{"u", "v", "u", "", "w"}, {3, 5, 5, 3, 9}, {9000, 1500, 1999, 0, -1}, {4, 0.5, 1, 1, 2}};
}

TEST(Parquet, ColumnsBecomeText) {
  const TemporaryFolder folder;
  write_parquet_events(folder / "a.parquet", five_events());
  std::string text;
  read_table(folder / "a.parquet", {"rating", "user", "", "time", "item"}, {},
             [&](const auto&, const TableRow& row) {
               text +=
                   fmt::format("{}: {}{}\n", row.number, fmt::join(row.fields, "|"), row.problem);
             });
  EXPECT_EQ(text, "1: 4|u||9|3\n2: 0.5|v||1|5\n3: 1|u||1|5\n4: 1|||0|3\n5: 2|w||-1|9\n");
}

TEST(Parquet, ImportsEventsAndItems) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "events");
  write_parquet_events(folder / "events/1.parquet", five_events());
  write_parquet_events(folder / "events/2.parquet", {{"v"}, {3}, {1000}, {5}});
  write_parquet_items(folder / "items.pq", {5, 3, 4}, {"Five", "Three", "Five"},
                      {{"red", "big"}, {}, {"a|b"}});
  ImportOptions options;
  options.events = folder / "events";
  options.items = folder / "items.pq";
  options.event_user = "user";
  options.event_item = "item";
  options.event_time = "time";
  options.event_reward = "rating";
  options.item_id = "item";
  options.item_title = "name";
  options.item_text = {"tags"};
  options.text_delimiter = "|";
  EXPECT_EQ(import_data(options, folder / "data.h5"),
            nlohmann::json::parse(R"({"items": 4, "users": 3, "events": 5, "bad_rows": 1,
                                      "items_without_metadata": 1})"));
  const Dataset dataset = load_dataset(folder / "data.h5");
  EXPECT_EQ(dataset.item_id, (std::vector<std::string>{"5", "3", "4", "9"}));
  EXPECT_EQ(dataset.item_title, (std::vector<std::string>{"Five", "Three", "Five", "9"}));
  EXPECT_EQ(dataset.item_text, (std::vector<std::string>{"red big", "", "a b", ""}));
  EXPECT_EQ(dataset.user_id, (std::vector<std::string>{"u", "v", "w"}));
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{0, 1, 0, 1, 3}));
  EXPECT_EQ(dataset.event_time, (std::vector<int64_t>{1, 9, 1, 1, -1}));
  EXPECT_EQ(dataset.event_reward, (std::vector<float>{1, 4, 0.5f, 5, 2}));
}

TEST(Parquet, ErrorsNameFileAndColumn) {
  const TemporaryFolder folder;
  write_parquet_events(folder / "a.parquet", five_events());
  const auto read = [&](const std::string& name, const std::string& column) {
    return error_of([&] { read_table(folder / name, {column}, {}, [](auto&, auto&) {}); });
  };
  EXPECT_NE(read("a.parquet", "title")
                .find("a.parquet: no column 'title'; it has: user, item, time, rating"),
            std::string::npos);
  write_file(folder / "b.parquet", "not Parquet at all");
  EXPECT_NE(read("b.parquet", "item").find("b.parquet: cannot read Parquet: "), std::string::npos);
  const std::string whole = read_file(folder / "a.parquet");
  write_file(folder / "c.parquet", whole.substr(0, whole.size() - 20));
  EXPECT_NE(read("c.parquet", "item").find("c.parquet: cannot read Parquet: "), std::string::npos);
}

class ParquetVectors : public testing::TestWithParam<VectorType> {};

TEST_P(ParquetVectors, AreRead) {
  const TemporaryFolder folder;
  const std::vector<std::vector<float>> vectors = {{1, 2}, {3, 4}, {5, 6}};
  write_parquet_vectors(folder / "v.parquet", {"a", "b", "c"}, vectors, GetParam());
  std::string ids;
  std::vector<std::vector<float>> read;
  read_parquet_vectors(folder / "v.parquet", "item_id", "embedding",
                       [&](const std::string& id, const std::vector<float>& vector) {
                         ids += id;
                         read.push_back(vector);
                       });
  EXPECT_EQ(ids, "abc");
  EXPECT_EQ(read, vectors);
}

INSTANTIATE_TEST_SUITE_P(Types, ParquetVectors,
                         testing::Values(VectorType::kFloatList, VectorType::kDoubleList,
                                         VectorType::kFixedFloatList));

TEST(Parquet, VectorsOfOtherTypesAreRefused) {
  const TemporaryFolder folder;
  write_parquet_vectors(folder / "v.parquet", {"a"}, {{1, 2}}, VectorType::kIntList);
  const auto read = [&](const char* column) {
    return error_of([&] {
      read_parquet_vectors(folder / "v.parquet", "item_id", column, [](auto&, auto&) {});
    });
  };
  EXPECT_NE(read("embedding").find("v.parquet: vectors of int32, expected float or double"),
            std::string::npos);
  EXPECT_NE(read("item_id").find("v.parquet: vectors of type string, expected a list"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
