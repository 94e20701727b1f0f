#include "clusters/words.h"

#include <gtest/gtest.h>

namespace serendip {
namespace {

using Words = std::vector<std::string>;

TEST(Words, DropsStopWordsNumbersAndYears) {
  EXPECT_EQ(words_of("The Godfather: Part II (1972), 2nd of the 3"), (Words{"godfather", "part"}));
}

TEST(Words, HyphensAndApostrophes) {
  EXPECT_EQ(words_of("Sci-Fi|Film-Noir - Schindler's list; don't -dash- rock'n'roll o’er"),
            (Words{"sci-fi", "film-noir", "schindler", "list", "dash", "rock'n'roll", "o'er"}));
}

TEST(Words, BeyondAscii) {
  EXPECT_EQ(words_of("ÉTÉ Ångström ŽIŽEK Αθήνα МОСКВА «tea»—3"),
            (Words{"été", "ångström", "žižek", "αθήνα", "москва", "tea"}));
  EXPECT_EQ(words_of("ab\xff"
                     "cd\xc3"),
            (Words{"ab", "cd"}));
}

TEST(Words, LowerLine) { EXPECT_EQ(lower_line("  A\tLine\r\nof  Ünits\x01 "), "a line of ünits"); }

}  // namespace
}  // namespace serendip
