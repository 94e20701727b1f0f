#include "lm/unicode.h"

#include <gtest/gtest.h>

namespace serendip {
namespace {

TEST(ReplaceInvalidUtf8, KeepsValidText) {
  const std::string text("aé你😀\0\xF4\x8F\xBF\xBF", 15);
  EXPECT_EQ(replace_invalid_utf8(text), text);
  EXPECT_EQ(replace_invalid_utf8(""), "");
}

// Python: bytes.decode("utf-8", "replace").
TEST(ReplaceInvalidUtf8, OneSignForEachMaximalPart) {
  const std::string sign = "\uFFFD";
  EXPECT_EQ(replace_invalid_utf8("a\xFF"
                                 "b"),
            "a" + sign + "b");
  EXPECT_EQ(replace_invalid_utf8("\xE4\xBD"), sign);                     // cut short
  EXPECT_EQ(replace_invalid_utf8("\xE4\xBD\xE4\xBD\xA0"), sign + "你");  // cut by another
  EXPECT_EQ(replace_invalid_utf8("\xC0\x80"), sign + sign);              // overlong
  EXPECT_EQ(replace_invalid_utf8("\xE0\x80\x80"), sign + sign + sign);   // overlong
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), sign + sign + sign);   // a surrogate
  EXPECT_EQ(replace_invalid_utf8("\xF4\x90\x80\x80"), sign + sign + sign + sign);
  EXPECT_EQ(replace_invalid_utf8("\xF0\x9F\x98z"), sign + "z");
  EXPECT_EQ(replace_invalid_utf8("\x80\x80"), sign + sign);
}

TEST(NormalizeNfc, ComposesAndReorders) {
  EXPECT_EQ(normalize_nfc("cafe\u0301"), "caf\u00e9");
  EXPECT_EQ(normalize_nfc("\u212b"), "\u00c5");
  EXPECT_EQ(normalize_nfc("\u1100\u1161"), "\uac00");
  EXPECT_EQ(normalize_nfc("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(normalize_nfc(std::string("a\0e\u0301", 5)), std::string("a\0\u00e9", 4));
}

TEST(CodePoints, RoundTrip) {
  for (const char32_t code_point :
       {0x0, 0x41, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0x10000, 0x10FFFF}) {
    std::string text = "x";
    append_utf8(text, code_point);
    size_t position = 1;
    EXPECT_EQ(next_code_point(text, position), code_point);
    EXPECT_EQ(position, text.size());
  }
}

}  // namespace
}  // namespace serendip
