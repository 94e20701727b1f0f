// The page as a whole: well formed, self-contained, safe whatever the artifacts hold.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "report/report.h"
#include "tests/base/figures.h"
#include "tests/base/temporary_folder.h"
#include "tests/report/small_run.h"

namespace serendip {
namespace {

class Page : public FigureTest {
 protected:
  std::string write() {
    result = write_report(folder.path(), kSmallRunStages);
    return read_file(folder / "report.html");
  }
  // stdout of the command, which must end with 0.
  std::string output_of(const std::string& command) {
    const int status = std::system(fmt::format("{} > '{}' 2> '{}'", command,
                                               (folder / "out").string(), (folder / "err").string())
                                       .c_str());
    EXPECT_EQ(status, 0) << read_file(folder / "out") << read_file(folder / "err");
    return read_file(folder / "out");
  }
  TemporaryFolder folder;
  nlohmann::json result;
};

TEST_F(Page, ShowsEveryArtifactAndTheSameEveryTime) {
  write_small_run(folder.path());
  write_random_run(folder.path());
  const std::string html = write();
  EXPECT_EQ(result.at("missing"), 0);
  for (const char* text :
       {"Figure 3", "Figure 4a", "Figure 4b", "Figure 4c", "Figure 5", "accuracy and satiation",
        "does not hold", "all alike", "random set", "balanced set", "HR@10", "2 cores", "GCC 12",
        "LibTorch 2.11.0", "0.1.0, commit 0123456789ab", "drawn by gnuplot 5"})
    EXPECT_NE(html.find(text), std::string::npos) << text;
  EXPECT_EQ(write(), html);
}

// Claims have their corrected p-values, and where nothing is decided the effect to be found.
TEST_F(Page, ClaimsSayHowSureTheyAre) {
  write_small_run(folder.path());
  const std::string html = write();
  EXPECT_NE(html.find("<td>does not hold</td><td>-0.3 [-0.4, -0.2]</td><td></td><td>0.012</td>"
                      "<td></td>"),
            std::string::npos);
  EXPECT_NE(html.find("<td>not decided</td><td>0.01 [-0.09, 0.11]</td><td>0.07</td><td>0.34</td>"
                      "<td>0.14</td>"),
            std::string::npos);
}

// A panel an arm beside the control, in Figures 4c and 5, and every figure's numbers as text.
TEST_F(Page, FiguresOfTheExperimentHaveIntervalsAndTables) {
  write_small_run(folder.path());
  const std::string html = write();
  for (const char* figure : {"figure_4c_exactly", "figure_4c_at_least", "figure_5_minutes",
                             "figure_5_active", "phase_minutes", "phase_interests"})
    EXPECT_EQ(count(html, fmt::format("id=\"{}-gnuplot_canvas\"", figure)), 1u) << figure;
  for (const char* table : {"Figure 4a", "Figure 4b", "Figure 4c", "Figure 5", "The phase diagram"})
    EXPECT_NE(html.find(fmt::format("<summary>{} as a table</summary>", table)), std::string::npos)
        << table;
  EXPECT_NE(html.find("<th scope=\"row\">10</th><td>0.900 [0.802, 0.952]</td>"),
            std::string::npos);                               // of 4a's
  EXPECT_NE(html.find("-0.60 to -0.40"), std::string::npos);  // in a cell of the diagram
  EXPECT_NE(html.find("<td>0.05 [-0.05, 0.15]</td>"), std::string::npos);  // of 4c's table
}

TEST_F(Page, WhatAnExperimentLeftOutNamesItsCommand) {
  write_small_run(folder.path());
  nlohmann::json results = small_experiment();
  results.erase("figure_4b");
  results["phase_diagram"] = nlohmann::json::array();
  write_file(folder / "experiment/results.json", results.dump());
  const std::string html = write();
  EXPECT_NE(html.find("<code>serendip simulate experiment experiment.grid_worlds=5 "
                      "run.folder=ANOTHER</code>"),
            std::string::npos);
  EXPECT_NE(html.find("No Figure 4b, for which experiment.arms must have a bandit, in this run"),
            std::string::npos);
  EXPECT_NE(html.find(fmt::format("<code>serendip run --until generate sft.set=random "
                                  "run.folder={}</code>",
                                  (folder / "random").string())),
            std::string::npos);
}

TEST_F(Page, OfARandomRunAsksForNoOther) {
  write_small_run(folder.path());
  std::filesystem::remove_all(folder / "manifests");
  write_random_run(folder.path());
  std::filesystem::rename(folder / "random/manifests", folder / "manifests");
  std::filesystem::remove_all(folder / "random");
  EXPECT_EQ(write().find("sft.set=random"), std::string::npos);
}

TEST_F(Page, NoTextBreaksOut) {
  write_small_run(folder.path());
  const std::string html = write();
  EXPECT_EQ(count(html, "alert(1)</script>"), 0);
  EXPECT_EQ(count(html, "<img"), 0);
  EXPECT_EQ(count(html, "<i>"), 0);
  EXPECT_GT(count(html, "&lt;script&gt;alert(1)"), 5);
  EXPECT_EQ(count(html, "<script"), 2);  // the data and the program
  EXPECT_EQ(count(html, "</script"), 2);
}

TEST_F(Page, IsWellFormedAndAccessible) {
  write_small_run(folder.path());
  write();
  output_of(fmt::format("python3 '{}/tests/report/check_page.py' '{}'",
                        std::getenv("SERENDIP_SOURCE_DIR"), (folder / "report.html").string()));
}

TEST_F(Page, OfAnEmptyFolderNamesTheCommands) {
  const std::string html = write();
  EXPECT_EQ(result.at("missing"), result.at("sections"));
  for (const char* command : {"serendip run", "serendip cluster", "serendip curate", "serendip sft",
                              "serendip eval", "serendip generate", "serendip recommend eval",
                              "serendip recommend users", "serendip simulate experiment"})
    EXPECT_NE(html.find(fmt::format("<code>{}</code>", command)), std::string::npos) << command;
}

TEST_F(Page, ABrowserFindsNothingToComplainOf) {
  if (std::system("command -v chromium > /dev/null") != 0)
    GTEST_SKIP() << "chromium is not installed";
  write_small_run(folder.path());
  write();
  // The page's policy forbids every request: one would be an error on the console.
  const std::string page = output_of(fmt::format(
      "HOME='{0}' chromium --headless --no-sandbox --disable-gpu --enable-logging=stderr "
      "--user-data-dir='{0}/profile' --virtual-time-budget=5000 --dump-dom "
      "'file://{0}/report.html'",
      folder.path().string()));
  EXPECT_NE(page.find("Rows 1 to 25 of 36."), std::string::npos);
  const std::string log = read_file(folder / "err");
  EXPECT_EQ(log.find("CONSOLE"), std::string::npos) << log;
}

}  // namespace
}  // namespace serendip
