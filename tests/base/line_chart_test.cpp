#include "base/line_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace serendip {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(LineChart, DrawsEverySeriesAndMarksMeasuredPeaks) {
  LineChart chart{"Recall & <more>", "step", "share", {}};
  chart.series = {{"a", {{0, 0.1}, {10, 0.4}, {20, 0.2}}},
                  {"b", {{0, 0.2}, {20, NAN}}},
                  {"level", {{0, 0.3}, {20, 0.3}}, /*dashed=*/true}};
  const std::string svg = charts_svg({chart, chart});
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "fill=\"none\""), 6);
  EXPECT_EQ(count(svg, "<circle"), 4);
  EXPECT_EQ(count(svg, "Recall &amp; &lt;more>"), 2);
  EXPECT_EQ(count(svg, "nan"), 0);
  EXPECT_EQ(count(svg, "<text"), count(svg, "</text>"));
  EXPECT_EQ(count(svg, "<g "), count(svg, "</g>"));
}

TEST(LineChart, AxesReachWhatTheyAreToldAndEndOnTicks) {
  LineChart chart{"t", "x", "y", {{"s", {{0, 0.97}, {10, 0.99}}}}, {0, 1}};
  const std::string svg = charts_svg({chart});
  for (const char* label : {">0<", ">0.2<", ">0.8<", ">1<"})
    EXPECT_EQ(count(svg, label), 1u + (label == std::string(">0<"))) << label;  // and x from 0
  EXPECT_EQ(count(svg, ">1.2<"), 0);
  EXPECT_EQ(count(charts_svg({{"t", "x", "y", {{"s", {{3, 0.13}, {4, 0.58}}}}}}), ">0.6<"), 1);
}

TEST(LineChart, MarksTheLowestWhereThatIsBest) {
  LineChart chart{"t", "x", "y", {{"s", {{0, 1}, {5, 0}, {10, 2}}}}};
  const std::string high = charts_svg({chart});
  chart.lowest_is_best = true;
  const std::string low = charts_svg({chart});
  const auto mark = [](const std::string& svg) {
    const size_t at = svg.find("<circle cx=\"") + 12;
    return std::stod(svg.substr(at));
  };
  EXPECT_LT(mark(low), mark(high));
}

// One point, a constant, nothing at all: still a picture.
TEST(LineChart, DegenerateSeries) {
  for (const auto& points : std::vector<std::vector<std::pair<double, double>>>{
           {}, {{5, 1}}, {{1, 0}, {2, 0}}, {{0, INFINITY}}}) {
    const std::string svg = charts_svg({{"t", "x", "y", {{"s", points}}}});
    EXPECT_EQ(count(svg, "nan") + count(svg, "inf\""), 0) << svg;
    EXPECT_NE(svg.find("</svg>"), std::string::npos);
  }
}

}  // namespace
}  // namespace serendip
