#include "data/words.h"

#include <gtest/gtest.h>

namespace serendip {
namespace {

using Words = std::vector<std::string>;

TEST(Words, AreLowerCasedRunsOfLettersAndDigits) {
  EXPECT_EQ(split_words("Toy Story (1995), a SCI-fi  classic!"),
            (Words{"toy", "story", "1995", "sci", "fi", "classic"}));
  EXPECT_EQ(split_words(""), Words{});
  EXPECT_EQ(split_words(" - "), Words{});
}

TEST(Words, CharactersBeyondAsciiStayWhole) {
  EXPECT_EQ(split_words("Amélie “Ünï…código” 日本語。 é"),
            (Words{"amélie", "Ünï", "código", "日本語", "é"}));
}

}  // namespace
}  // namespace serendip
