#include "report/html.h"

#include <gtest/gtest.h>

namespace serendip {
namespace {

TEST(Html, TextIsEscaped) {
  EXPECT_EQ(html_text("<script>\"a\" & 'b'</script>\x01"),
            "&lt;script&gt;&quot;a&quot; &amp; 'b'&lt;/script&gt; ");
  EXPECT_EQ(html_text("naïve → 日本"), "naïve → 日本");
}

TEST(Html, TablesNameTheirRowsAndColumns) {
  const std::string html = html_table({"A & B", {"x", "y"}, {{"<r>", "1"}}});
  EXPECT_NE(html.find("<caption>A &amp; B</caption>"), std::string::npos) << html;
  EXPECT_NE(html.find("<th scope=\"col\">y</th>"), std::string::npos) << html;
  EXPECT_NE(html.find("<th scope=\"row\">&lt;r&gt;</th><td>1</td>"), std::string::npos) << html;
}

TEST(Html, JsonCannotEndItsScript) {
  EXPECT_EQ(script_json(R"({"a":"</script><!--"})"), R"({"a":"\u003c/script>\u003c!--"})");
}

// RFC 4648, section 10.
TEST(Html, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xfb\xff\xbf"), "+/+/");
}

}  // namespace
}  // namespace serendip
