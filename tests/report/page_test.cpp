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
  std::string write(const ReportOptions& options = {}) {
    result = write_report(folder.path(), kSmallRunStages, options);
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
  save_pair_table(small_pair_table(6, 2), folder / "random.h5");
  const ReportOptions options = {(folder / "random.h5").string()};
  const std::string html = write(options);
  EXPECT_EQ(result.at("missing"), 0);
  for (const char* text : {"Figure 3", "Figure 4a", "Figure 4b", "Figure 4c", "Figure 5",
                           "does not hold", "random set", "balanced set", "HR@10", "2 cores"})
    EXPECT_NE(html.find(text), std::string::npos) << text;
  EXPECT_EQ(write(options), html);
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
