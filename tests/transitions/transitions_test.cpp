#include "transitions/transitions.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TransitionSet example_set() {
  TransitionSet set;
  set.context_size = 3;
  set.context = {1, 2, 3, 4, 5, 6};
  set.label = {7, 8};
  set.count = {9, 1};
  return set;
}

TEST(TransitionSet, FileFormatAndRoundTrip) {
  const TemporaryFolder folder;
  save_transition_set(example_set(), folder / "a.jsonl");
  EXPECT_EQ(read_file(folder / "a.jsonl"),
            "{\"context\":[1,2,3],\"label\":7,\"count\":9}\n"
            "{\"context\":[4,5,6],\"label\":8,\"count\":1}\n");
  const TransitionSet loaded = load_transition_set(folder / "a.jsonl");
  EXPECT_EQ(loaded.context_size, 3);
  EXPECT_EQ(loaded.context, example_set().context);
  EXPECT_EQ(loaded.label, example_set().label);
  EXPECT_EQ(loaded.count, example_set().count);
}

TEST(TransitionSet, ErrorsNameFileAndLine) {
  const TemporaryFolder folder;
  const std::string good = "{\"context\":[1,2],\"label\":3,\"count\":1}\n";
  const auto error = [&](const std::string& second) {
    write_file(folder / "a.jsonl", good + second + "\n");
    return error_of([&] { load_transition_set(folder / "a.jsonl"); });
  };
  const std::string place = (folder / "a.jsonl").string() + ":2: ";
  EXPECT_EQ(error("{\"context\":"), place + "not a JSON object");
  EXPECT_EQ(error("{\"context\":[1,2],\"count\":1}"), place + "no \"label\"");
  EXPECT_EQ(error("{\"context\":[1],\"label\":3,\"count\":1}"),
            place + "context of 1 clusters, expected 2 as in the lines above");
  EXPECT_EQ(error("{\"context\":[1,-2],\"label\":3,\"count\":1}"),
            place + "context is -2, expected a whole number ≥ 0");
  EXPECT_EQ(error("{\"context\":[1,2],\"label\":\"x\",\"count\":1}"),
            place + "label is \"x\", expected a whole number ≥ 0");
  EXPECT_EQ(error("{\"context\":[1,2],\"label\":3,\"count\":0}"),
            place + "count is 0, expected a whole number ≥ 1");
  EXPECT_NE(error_of([&] { load_transition_set(folder / "no.jsonl"); }).find("no.jsonl"),
            std::string::npos);
}

TEST(Transitions, RoundTrip) {
  const TemporaryFolder folder;
  Transitions transitions;
  transitions.all = example_set();
  transitions.dev.context_size = 3;
  transitions.dev.user = {5};
  transitions.dev.context = {3, 2, 1};
  transitions.dev.label = {4};
  transitions.test.context_size = 3;  // no rows
  save_transitions(transitions, folder / "transitions.h5");
  const Transitions loaded = load_transitions(folder / "transitions.h5");
  EXPECT_EQ(loaded.all.context_size, 3);
  EXPECT_EQ(loaded.all.context, transitions.all.context);
  EXPECT_EQ(loaded.all.count, transitions.all.count);
  EXPECT_EQ(loaded.dev.user, transitions.dev.user);
  EXPECT_EQ(loaded.dev.context, transitions.dev.context);
  EXPECT_EQ(loaded.dev.label, transitions.dev.label);
  EXPECT_EQ(loaded.test.context_size, 3);
  EXPECT_TRUE(loaded.test.label.empty());
}

TEST(Transitions, RowCountsMustAgree) {
  const TemporaryFolder folder;
  write_hdf5(folder / "t.h5", [](Hdf5File& file) {
    file.write<int32_t>("/all/context", std::vector<int32_t>{1, 2}, {1, 2});
    file.write("/all/label", std::vector<int32_t>{3, 4});
    file.write("/all/count", std::vector<int64_t>{1, 1});
  });
  EXPECT_EQ(error_of([&] { load_transitions(folder / "t.h5"); }),
            (folder / "t.h5").string() + ": /all/context has shape [1, 2], expected [2, K]");
  write_hdf5(folder / "s.h5", [](Hdf5File& file) {
    file.write<int32_t>("/all/label", std::vector<int32_t>{3}, {});
  });
  EXPECT_EQ(error_of([&] { read_transitions(folder / "s.h5"); }),
            (folder / "s.h5").string() + ": /all/label has shape [], expected a list");
}

}  // namespace
}  // namespace serendip
