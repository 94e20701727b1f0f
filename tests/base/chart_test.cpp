#include "base/chart.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/panels.h"
#include "base/wilson.h"
#include "tests/base/figures.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

class ChartSvg : public FigureTest {};

TEST_F(ChartSvg, DrawsEverySeriesAndMarksMeasuredPeaks) {
  Chart chart{"Recall & <more>", "step", "share"};
  chart.series = {{"a `id` $x", {{0, 0.1}, {10, 0.4}, {20, 0.2}}},
                  {"<script>b's", {{0, 0.2}, {20, NAN}}},
                  {"level", {{0, 0.3}, {20, 0.3}}, ChartSeries::Style::kReference},
                  {"interval", {{5, 0.3, 0.2, 0.4, 4, 6}}, ChartSeries::Style::kPoints}};
  const std::string svg = charts_svg("figure", {chart, chart});
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n\n"))
      << svg.substr(svg.size() - 9);
  EXPECT_EQ(count(svg, "a `id` $x"), 2);  // no shell sees it
  EXPECT_EQ(count(svg, "&lt;script>b's"), 2);
  EXPECT_EQ(count(svg, ">Recall &amp; &lt;more><"), 2);
  EXPECT_EQ(count(svg, "color='rgb(  0, 114, 178)'/>"), 2);  // a mark on the peak of a
  EXPECT_EQ(count(svg, "xlink:href='#figure-gpPt12'"), 4);   // the point, in the legend as well
  EXPECT_EQ(count(svg, "NaN"), 0);
  EXPECT_EQ(count(svg, "role=\"img\""), 1);
  EXPECT_EQ(svg, charts_svg("figure", {chart, chart}));
}

TEST_F(ChartSvg, AxesReachWhatTheyAreToldAndEndOnTics) {
  Chart chart{"t", "x", "y", {{"s", {{0, 0.97}, {10, 0.99}}}}, {0, 1}};
  const std::string svg = charts_svg("f", {chart});
  for (const char* label : {"> 0.2<", "> 0.8<", "> 1<"}) EXPECT_EQ(count(svg, label), 1u) << label;
  EXPECT_EQ(count(svg, "> 1.2<"), 0);
  EXPECT_EQ(count(charts_svg("f", {{"t", "x", "y", {{"s", {{3, 0.13}, {4, 0.58}}}}}}), "> 0.6<"),
            1);
}

TEST_F(ChartSvg, MarksTheLowestWhereThatIsBest) {
  Chart chart{"t", "x", "y", {{"s", {{0, 1}, {5, 0}, {10, 2}}}}};
  const std::string high = charts_svg("f", {chart});
  chart.lowest_is_best = true;
  const std::string low = charts_svg("f", {chart});
  const auto mark = [](const std::string& svg) {
    return std::stod(
        svg.substr(svg.find("translate(", svg.find("<use xlink:href='#f-gpPt6' tr")) + 10));
  };
  EXPECT_LT(mark(low), mark(high));
}

// One point, a constant, nothing at all: still a picture.
TEST_F(ChartSvg, DegenerateSeries) {
  for (const auto& points :
       std::vector<std::vector<ChartPoint>>{{}, {{5, 1}}, {{1, 0}, {2, 0}}, {{0, INFINITY}}}) {
    const std::string svg = charts_svg("f", {{"t", "x", "y", {{"s", points}}}});
    EXPECT_NE(svg.find("</svg>"), std::string::npos);
  }
}

TEST_F(ChartSvg, NamesStandForNumbersOnTheVerticalAxis) {
  Chart chart{"t", "x", "", {{"s", {{0.5, 0}, {0.7, 1}}, ChartSeries::Style::kPoints}}};
  chart.y_names = {"first", "it's"};
  const std::string svg = charts_svg("f", {chart});
  EXPECT_EQ(count(svg, "first<"), 1);
  EXPECT_EQ(count(svg, "it's<"), 1);
}

// Four series, in two rows: the axes' numbers at the left and at the bottom alone, and the same in
// all.
TEST_F(ChartSvg, PanelsShareTheirAxes) {
  Chart chart{"title", "days", "minutes"};
  for (const char* name : {"one", "it's", "three", "four"})
    chart.series.push_back(
        {name, {{0, 100, 50, 150}, {10, 200, 150, 700}}, ChartSeries::Style::kLine});
  chart.y_shown = {0};
  const std::string svg = panels_svg("f", chart);
  for (const ChartSeries& series : chart.series) EXPECT_EQ(count(svg, series.name + "<"), 1u);
  for (const char* label : {"title<", "days<", "minutes<"}) EXPECT_GE(count(svg, label), 1u);
  EXPECT_EQ(count(svg, ">600<"), 2u);     // at the left of both rows
  EXPECT_EQ(count(svg, ">10<"), 3u);      // below the last panel of each column
  EXPECT_EQ(count(svg, "<polygon"), 4u);  // the bands
  EXPECT_EQ(count(svg, "<title>"), 1u);   // no plot has one under the pointer
  EXPECT_NE(panels_svg("f", {"t", "x", "y"}).find("</svg>"), std::string::npos);
}

TEST_F(ChartSvg, GnuplotSaysItsVersion) {
  const std::string version = gnuplot_version();
  EXPECT_TRUE(version.starts_with("5.")) << version;
  EXPECT_TRUE(std::isdigit(static_cast<unsigned char>(version.back()))) << version;
}

TEST_F(ChartSvg, ARefusedScriptSaysWhatGnuplotSaid) {
  const std::string error = error_of([] { draw_svg({"f", "t", 100, 100, "plot nothing here"}); });
  EXPECT_NE(error.find("nothing"), std::string::npos) << error;
}

TEST(Gnuplot, WhereItIsMissingItsPackageIsNamed) {
  const char* had = std::getenv("PATH");
  const std::string path = had != nullptr ? had : "";
  const TemporaryFolder empty;
  setenv("PATH", empty.path().c_str(), 1);
  EXPECT_FALSE(gnuplot_is_installed());
  const std::string error = error_of([] { draw_svg({"f", "t", 100, 100, "plot x"}); });
  setenv("PATH", path.c_str(), 1);
  EXPECT_NE(error.find("gnuplot-nox"), std::string::npos) << error;
}

// Where all succeed it is n / (n + z²).
TEST(Wilson, Interval) {
  EXPECT_NEAR(wilson_interval(0.5, 10).first, 0.2365931, 1e-6);
  EXPECT_NEAR(wilson_interval(0.5, 10).second, 0.7634069, 1e-6);
  EXPECT_NEAR(wilson_interval(1, 64).first, 64 / (64 + 3.841459), 1e-6);
  EXPECT_EQ(wilson_interval(1, 64).second, 1);
  EXPECT_NEAR(wilson_interval(0, 3).first, 0, 1e-12);
}

}  // namespace
}  // namespace serendip
