#include "data/import.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "base/random.h"
#include "data/dataset.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

using Strings = std::vector<std::string>;

class Import : public testing::Test {
 protected:
  nlohmann::json import() { return import_data(options_, folder_ / "run/data.h5"); }
  Dataset load() { return load_dataset(folder_ / "run/data.h5"); }
  void write_events(const std::string& text) { write("events.csv", text, options_.events); }
  void write_items(const std::string& text) { write("items.csv", text, options_.items); }
  void write(const std::string& name, const std::string& text, std::string& option) {
    write_file(folder_ / name, text);
    option = folder_ / name;
  }
  // The error contains `text` and nothing is left behind but what a next try can use.
  void expect_error(const std::string& text) {
    const std::string error = error_of([&] { import(); });
    EXPECT_NE(error.find(text), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    if (!std::filesystem::exists(folder_ / "run")) return;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ / "run"))
      EXPECT_EQ(entry.path().filename(), "import.parts");
  }

  TemporaryFolder folder_;
  ImportOptions options_;
};

TEST_F(Import, SortsByUserTimeAndInputOrder) {
  write_events(
      "user_id,item_id,timestamp\n"
      "u,a,5\nv,b,1\nu,c,5\nu,d,2\nu,a,5.9\nv,a,1\nw,b,-0.5\n");
  EXPECT_EQ(import(), nlohmann::json::parse(R"({"items": 4, "users": 3, "events": 7,
                                               "bad_rows": 0, "items_without_metadata": 4})"));
  const Dataset dataset = load();
  EXPECT_EQ(dataset.user_id, (Strings{"u", "v", "w"}));
  EXPECT_EQ(dataset.user_offset, (std::vector<int64_t>{0, 4, 6, 7}));
  EXPECT_EQ(dataset.item_id, (Strings{"a", "b", "c", "d"}));
  EXPECT_EQ(dataset.item_title, dataset.item_id);
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{3, 0, 2, 0, 1, 0, 1}));
  EXPECT_EQ(dataset.event_time, (std::vector<int64_t>{2, 5, 5, 5, 1, 1, -1}));
  EXPECT_EQ(dataset.event_reward, std::vector<float>(7, 1.0f));
  EXPECT_TRUE(dataset.embedding.empty());
  EXPECT_EQ(Hdf5File::open(folder_ / "run/data.h5").children("/items"),
            (Strings{"embedding", "id", "text", "title"}));
}

TEST_F(Import, ItemsKeepTheirOrderTitleAndText) {
  write_items(
      "item_id,name,genres,year\n"
      "7,\"Good, Bad\",War|Sci-Fi,1966\n"
      "5,,,\n"
      "6,Unseen,Drama,2001\n");
  write_events("user_id,item_id,timestamp,stars\nu,5,1,4.5\nu,8,2,3\n");
  options_.item_title = "name";
  options_.item_text = {"genres", "year"};
  options_.text_delimiter = "|";
  options_.event_reward = "stars";
  EXPECT_EQ(import()["items_without_metadata"], 1);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.item_id, (Strings{"7", "5", "6", "8"}));
  EXPECT_EQ(dataset.item_title, (Strings{"Good, Bad", "5", "Unseen", "8"}));
  EXPECT_EQ(dataset.item_text, (Strings{"War Sci-Fi 1966", "", "Drama 2001", ""}));
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{1, 3}));
  EXPECT_EQ(dataset.event_reward, (std::vector<float>{4.5f, 3}));
}

TEST_F(Import, TagsJoinTheTextOnce) {
  write_items("item_id,title,text\n1,One,base\n2,Two,\n");
  write_events("user_id,item_id,timestamp\nu,1,1\nu,3,1\n");
  write("tags.csv", "item_id,tag\n1,Funny\n2,dark\n1,funny\n1,space opera\n3,new\n9,lost\n",
        options_.tags);
  options_.item_text = {"text"};
  EXPECT_EQ(import()["bad_rows"], 0);
  EXPECT_EQ(load().item_text, (Strings{"base Funny space opera", "dark", "new"}));
}

TEST_F(Import, RecBoleAtomicFiles) {
  write("ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "196\t242\t3\t881250949\n186\t302\t3\t891717742\n196\t51\t5\t8.8e8\n",
        options_.events);
  write("ml.item",
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "51\tLegends of the Fall\t1994\tDrama Romance War Western\n"
        "242\tKolya\t1996\tComedy\n",
        options_.items);
  options_.event_reward = "rating";
  options_.item_title = "movie_title";
  options_.item_text = {"class", "release_year"};
  EXPECT_EQ(import()["items"], 3);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.item_title, (Strings{"Legends of the Fall", "Kolya", "302"}));
  EXPECT_EQ(dataset.item_text[0], "Drama Romance War Western 1994");
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(dataset.event_time, (std::vector<int64_t>{880000000, 881250949, 891717742}));
}

TEST_F(Import, MovieLensWithDoubledColonsAndNoHeader) {
  write("movies.dat", "1::Toy Story (1995)::Animation|Comedy\n7::Heat::Action\n", options_.items);
  write("ratings.dat", "3::7::4::978300760\n3::1::5::978300019\n", options_.events);
  options_.delimiter = "::";
  options_.event_columns = {"user_id", "item_id", "rating", "timestamp"};
  options_.item_columns = {"item_id", "title", "genres"};
  options_.event_reward = "rating";
  options_.item_title = "title";
  options_.item_text = {"genres"};
  options_.text_delimiter = "|";
  EXPECT_EQ(import()["bad_rows"], 0);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.item_title, (Strings{"Toy Story (1995)", "Heat"}));
  EXPECT_EQ(dataset.item_text, (Strings{"Animation Comedy", "Action"}));
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(dataset.event_reward, (std::vector<float>{5, 4}));
}

TEST_F(Import, SequencesKeepTheirOrder) {
  write("beauty.txt", "u c a c\nv b\n", options_.events);
  options_.events_format = "sequences";
  EXPECT_EQ(import()["events"], 4);
  const Dataset dataset = load();
  EXPECT_EQ(dataset.user_id, (Strings{"u", "v"}));
  EXPECT_EQ(dataset.item_id, (Strings{"c", "a", "b"}));
  EXPECT_EQ(dataset.event_item, (std::vector<int32_t>{0, 1, 0, 2}));
  EXPECT_EQ(dataset.event_time, (std::vector<int64_t>{0, 1, 2, 0}));
}

constexpr const char* kBadEvents =
    "user_id,item_id,timestamp,reward\n"
    "u,a,1,1\n"    // line 2
    ",a,1,1\n"     // 3
    "u,,1,1\n"     // 4
    "u,a,now,1\n"  // 5
    "u,a,1,good\n"
    "u,a,nan,1\n"
    "u,a,1,inf\n"
    "u,a,1\n"
    "u,a,1,1e39\n"
    "u,b,2,2\n";

TEST_F(Import, BadRowsAreSkippedAndCounted) {
  write_events(kBadEvents);
  options_.event_reward = "reward";
  EXPECT_EQ(import()["bad_rows"], 8);
  EXPECT_EQ(load().event_count(), 2);
}

TEST_F(Import, TooManyBadRowsStopIt) {
  write_events(kBadEvents);
  options_.event_reward = "reward";
  options_.max_bad_rows = 3;
  expect_error("4 bad rows, more than max_bad_rows = 3: ");
  expect_error("events.csv:3: empty 'user_id'; ");
  expect_error("events.csv:4: empty 'item_id'; ");
  expect_error("events.csv:5: timestamp 'now' is no number of seconds; ");
  expect_error("events.csv:6: reward 'good' is no finite number");
  options_.max_bad_rows = 6;
  expect_error("8 bad rows, more than max_bad_rows = 6: ");
  expect_error("; …");
}

TEST_F(Import, AnItemGivenTwiceIsABadRow) {
  write_items("item_id,title\n1,One\n1,Uno\n");
  write_events("user_id,item_id,timestamp\nu,1,1\n");
  options_.item_title = "title";
  EXPECT_EQ(import()["bad_rows"], 1);
  EXPECT_EQ(load().item_title, Strings{"One"});
  options_.max_bad_rows = 0;
  std::filesystem::remove_all(folder_ / "run");
  expect_error("items.csv:3: item '1' is given twice");
}

TEST_F(Import, ErrorsNameWhatIsMissing) {
  expect_error("import.events: expected a file or folder");
  options_.events = folder_ / "absent.csv";
  expect_error("absent.csv: no such file");
  write_events("");
  expect_error("events.csv: empty: expected a header line");
  write_events("user_id,item_id,timestamp\n");
  expect_error("events.csv: no good event (0 bad rows)");
  write_events("user_id,item_id,timestamp\nu,a,x\n");
  expect_error("events.csv: no good event (1 bad rows)");
  write_events("userId,item_id,timestamp\nu,a,1\n");
  expect_error("events.csv: no column 'user_id'; it has: userId, item_id, timestamp");
  write_events("user_id,item_id,timestamp\nu,a,1\n");
  write_items("item_id,title\n");
  expect_error("items.csv: no items");
  options_.event_time = "";
  expect_error("import.event_time: expected a column name");
}

// The same events as one file and as seven parts, of unequal size and one of them empty; every
// 50th row is bad.
class ImportOfParts : public Import {
 protected:
  static constexpr int kParts = 7;
  using Parts = std::vector<int64_t>;

  void SetUp() override {
    const std::string header = "user_id,item_id,timestamp\n";
    std::string whole = header;
    Random random(3);
    for (int part = 0; part < kParts; ++part) {
      std::string rows;
      for (int row = 0; row < (part == 4 ? 0 : 40 + 30 * part); ++row)
        rows += fmt::format("u{},i{},{}\n", random.below(60), random.below(40),
                            row % 50 == 9 ? "never" : std::to_string(random.below(1000)));
      whole += rows;
      write_file(part_path(part), header + rows);
    }
    write_events(whole);
    result_ = import_data(options_, folder_ / "whole/data.h5");
    whole_ = read_file(folder_ / "whole/data.h5");
    options_.events = folder_ / "parts";
  }
  std::filesystem::path part_path(int64_t part) const {
    return folder_ / fmt::format("parts/p{}.csv", part);
  }
  // As one of several processes would share them.
  static PartSharing only(Parts parts) {
    auto left = std::make_shared<Parts>(std::move(parts));
    return {[left]() -> std::optional<int64_t> {
              if (left->empty()) return std::nullopt;
              const int64_t part = left->back();
              left->pop_back();
              return part;
            },
            [](int64_t) {}, [] {}};
  }
  // Turns the part into one that cannot be read, of the same size and time.
  void spoil(int64_t part) const {
    const auto time = std::filesystem::last_write_time(part_path(part));
    write_file(part_path(part), std::string(read_file(part_path(part)).size(), 'x'));
    std::filesystem::last_write_time(part_path(part), time);
  }
  void expect_whole() {
    EXPECT_TRUE(read_file(folder_ / "run/data.h5") == whole_);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run/import.parts"));
  }

  nlohmann::json result_;
  std::string whole_;
};

TEST_F(ImportOfParts, SameFileWhateverTheThreadsAndProcesses) {
  const int before = omp_get_max_threads();
  for (const int threads : {1, 2, 5}) {
    omp_set_num_threads(threads);
    EXPECT_EQ(import(), result_);
    expect_whole();
  }
  omp_set_num_threads(1);
  for (const Parts& elsewhere : {Parts{5}, Parts{2, 6, 0}, Parts{0, 1, 2, 3, 4, 5, 6}}) {
    read_event_parts(options_, folder_ / "run/data.h5", only(elsewhere));
    EXPECT_EQ(import(), result_);
    expect_whole();
  }
  omp_set_num_threads(before);
}

TEST_F(ImportOfParts, GoesOnAfterAKillWithThePartsNotRead) {
  const pid_t child = fork();
  if (child == 0) {
    omp_set_num_threads(1);
    PartSharing sharing = only({6, 3, 1});
    sharing.next = [parts = sharing.next] {
      const auto part = parts();
      if (!part) raise(SIGKILL);
      return part;
    };
    import_data(options_, folder_ / "run/data.h5", sharing);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/data.h5"));
  for (const int64_t part : {6, 3, 1}) spoil(part);  // whoever reads them fails
  EXPECT_EQ(import(), result_);
  expect_whole();
}

TEST_F(ImportOfParts, APartThatChangedIsReadAgain) {
  read_event_parts(options_, folder_ / "run/data.h5", only({0, 1, 2}));
  write_file(part_path(1), "user_id,item_id,timestamp\nnew,new,7\n");
  import();
  const std::string changed = read_file(folder_ / "run/data.h5");
  EXPECT_NE(changed, whole_);
  import_data(options_, folder_ / "again/data.h5");
  EXPECT_TRUE(read_file(folder_ / "again/data.h5") == changed);
  // So is every part when what is to be read in them changes.
  read_event_parts(options_, folder_ / "run/data.h5", only({0, 1, 2}));
  options_.event_item = "user_id";
  import();
  EXPECT_EQ(load().item_id, load().user_id);
}

TEST_F(ImportOfParts, ADamagedPartIsNamedAndTheOthersKept) {
  const std::string good = read_file(part_path(3));
  spoil(3);
  expect_error(part_path(3).string() + ": no column 'user_id'");
  omp_set_num_threads(1);
  expect_error("p3.csv");  // 0, 1 and 2 are read by now
  for (const int64_t part : {0, 1, 2}) spoil(part);
  write_file(part_path(3), good);
  EXPECT_EQ(import(), result_);
  expect_whole();
}

TEST_F(ImportOfParts, AKeptPartCutShortIsRefused) {
  read_event_parts(options_, folder_ / "run/data.h5", only({2}));
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "run/import.parts"))
    std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) - 1);
  expect_error("damaged");
}

TEST_F(ImportOfParts, BadRowsOfAllPartsCountTogether) {
  EXPECT_EQ(result_["bad_rows"], 17);
  options_.max_bad_rows = 16;
  expect_error("17 bad rows, more than max_bad_rows = 16: " + part_path(0).string() + ":11: ");
  expect_error("p1.csv:61: timestamp 'never' is no number of seconds");
  options_.max_bad_rows = 1;
  expect_error("2 bad rows, more than max_bad_rows = 1: ");
}

TEST_F(Import, OptionsParseFromARecipe) {
  write_file(folder_ / "r.yaml",
             "import:\n  events: e.csv\n  item_text: [genres, year]\n  delimiter: \"\\t\"\n");
  OptionSet set("import");
  options_.declare(set);
  load_recipe(folder_ / "r.yaml", {"import.event_reward=rating"}, {&set});
  EXPECT_EQ(options_.events, "e.csv");
  EXPECT_EQ(options_.item_text, (Strings{"genres", "year"}));
  EXPECT_EQ(options_.delimiter, "\t");
  EXPECT_EQ(options_.event_reward, "rating");
  EXPECT_NE(error_of([&] {
              load_recipe({}, {"import.delimiter='ab'"}, {&set});
            }).find("expected one ASCII character"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
