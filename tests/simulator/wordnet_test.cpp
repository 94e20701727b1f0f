#include "simulator/wordnet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

TEST(WordNet, ReadsSynsetsAndSenses) {
  const TemporaryFolder folder;
  write_wordnet(folder.path(),
                {{30, "ball_game", 20, "a game played with a ball; \"they play; often\"; not here"},
                 {10, "entity", 0, "all"},
                 {20, "game Contest", 10, "fun"},
                 {40, "game", 10, "meat"},
                 {50, "Wimbledon", 30, "a town", "@i"}});
  const Nouns nouns = read_nouns(folder.path());
  ASSERT_EQ(nouns.synsets.size(), 5u);
  EXPECT_EQ(nouns.synsets[0].gloss, "a game played with a ball");
  EXPECT_EQ(nouns.synsets[2].lemmas, (std::vector<std::string>{"game", "Contest"}));
  EXPECT_EQ(nouns.synsets[0].hypernym, 2);  // named before it is read
  EXPECT_EQ(nouns.synsets[1].hypernym, -1);
  EXPECT_EQ(nouns.synsets[4].hypernym, -1);  // an individual, not a kind
  EXPECT_EQ(nouns.hyponyms[1], (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(nouns.senses.at("game"), (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(nouns.path_to(0), (std::vector<int32_t>{1, 2, 0}));
}

TEST(WordNet, ManyWordsAreCountedInHexadecimal) {
  const TemporaryFolder folder;
  write_wordnet(folder.path(), {{1, "aa bb cc dd ee ff gg hh ii jj kk ll", 0, "twelve"}});
  EXPECT_EQ(read_nouns(folder.path()).synsets[0].lemmas.size(), 12u);
}

TEST(WordNet, BrokenFilesAreNamed) {
  const TemporaryFolder folder;
  write_wordnet(folder.path(), {{1, "entity", 0, "all"}});
  const auto error_with = [&](const char* file, const std::string& content) {
    const std::string before = read_file(folder / file);
    write_file(folder / file, before + content);
    std::string error = error_of([&] { read_nouns(folder.path()); });
    write_file(folder / file, before);
    return error;
  };
  const auto expect = [](const std::string& error, const std::string& text) {
    EXPECT_NE(error.find(text), std::string::npos) << error;
  };
  expect(error_with("data.noun", "00000002 03 n 01 thing\n"), "data.noun:3: ends early");
  expect(error_with("data.noun", "rubbish\n"), "data.noun:3: expected a number, got 'rubbish'");
  expect(error_with("data.noun", "00000002 03 n 01 thing 0 001 @ 00000009 n 0000 | x\n"),
         "data.noun:3: no synset 00000009");
  expect(error_with("index.noun", "thing n 1 0 1 0 00000009\n"),
         "index.noun:3: no synset 00000009");
}

TEST(WordNet, AConceptAboveItselfIsRefused) {
  const TemporaryFolder folder;
  write_wordnet(folder.path(), {{1, "hen", 2, "lays eggs"}, {2, "egg", 1, "becomes a hen"}});
  const Nouns nouns = read_nouns(folder.path());
  EXPECT_NE(error_of([&] { nouns.path_to(0); }).find("'hen'"), std::string::npos);
}

TEST(WordNet, Debians) {
  if (!has_wordnet()) GTEST_SKIP() << "no WordNet in " << kWordNetFolder;
  const Nouns nouns = read_nouns(kWordNetFolder);
  EXPECT_EQ(nouns.synsets.size(), 82115u);
  const int32_t golf = nouns.senses.at("golf").at(0);
  EXPECT_TRUE(
      nouns.synsets[static_cast<size_t>(golf)].gloss.starts_with("a game played on a large"));
  const std::vector<int32_t> path = nouns.path_to(golf);
  EXPECT_EQ(nouns.synsets[static_cast<size_t>(path.front())].lemmas[0], "entity");
  const int32_t sport = nouns.senses.at("sport").at(0);
  EXPECT_NE(std::find(path.begin(), path.end(), sport), path.end());
}

}  // namespace
}  // namespace serendip
