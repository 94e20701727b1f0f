// Damaged artifacts: an error names file and field, and no page is written.
#include <gtest/gtest.h>

#include "base/file.h"
#include "report/json_field.h"
#include "report/report.h"
#include "tests/base/temporary_folder.h"
#include "tests/report/small_run.h"

namespace serendip {
namespace {

class DamagedRun : public testing::Test {
 protected:
  DamagedRun() { write_small_run(folder.path()); }
  std::string error() const {
    std::string what = error_of([&] { write_report(folder.path(), kSmallRunStages); });
    EXPECT_FALSE(std::filesystem::exists(folder / "report.html"));
    return what;
  }
  void expect_error(const std::string& part) const {
    const std::string what = error();
    EXPECT_NE(what.find(part), std::string::npos) << what;
  }
  void change(const std::string& name, const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json json = read_json(folder / name);
    json[nlohmann::json::json_pointer(pointer)] = value;
    write_file(folder / name, json.dump());
  }
  TemporaryFolder folder;
};

TEST_F(DamagedRun, AnEffectThatIsNoNumber) {
  change("experiment/results.json", "/figure_4b/2/novelty/value", "high");
  expect_error(
      "experiment/results.json: figure_4b[2].novelty.value: expected a number, got \"high\"");
}

TEST_F(DamagedRun, AResultWithoutAField) {
  nlohmann::json results = small_experiment();
  results["figure_5"][2].erase("day");
  write_file(folder / "experiment/results.json", results.dump());
  expect_error("experiment/results.json: figure_5[2]: expected the field 'day', got none");
}

TEST_F(DamagedRun, HalfAFile) {
  write_file(folder / "experiment/results.json", small_experiment().dump().substr(0, 500));
  expect_error("experiment/results.json: not JSON");
}

TEST_F(DamagedRun, AnEvaluationWithoutAMeasure) {
  change("eval.json", "/comparison/0/nll", nullptr);
  expect_error("eval.json: comparison[0].nll: expected a number, got null");
}

TEST_F(DamagedRun, AUserWithoutTitles) {
  change("recommendations.json", "/users/0/items/0/title", 7);
  expect_error("recommendations.json: users[0].items[0].title: expected a text, got 7");
}

TEST_F(DamagedRun, AMetricThatIsNoNumber) {
  write_file(folder / "sft/metrics.jsonl", "{\"step\": 1}\n{\"step\": 2, \"match_rate\": \"x\"}\n");
  expect_error("sft/metrics.jsonl:2.match_rate: expected a number, got \"x\"");
}

TEST_F(DamagedRun, AManifestWithoutItsTime) {
  change("manifests/import.json", "/seconds", "long");
  expect_error("manifests/import.json: seconds: expected a number, got \"long\"");
}

TEST_F(DamagedRun, ATableOfOtherInterests) {
  save_pair_table(small_pair_table(5, 2), folder / "table.h5");
  expect_error("table.h5: expected a table of 6 clusters, got 5");
}

TEST_F(DamagedRun, ARandomTableOfOtherContexts) {
  write_random_run(folder.path());
  save_pair_table(small_pair_table(5, 2), folder / "random/table.h5");
  expect_error("random/table.h5: expected the contexts of");
}

TEST_F(DamagedRun, ARandomTableOfOtherInterests) {
  write_random_run(folder.path());
  PairTable table = small_pair_table(6, 2);
  table.hashes["descriptions"] = descriptions_hash({"of", "six", "others", "d", "e", "f"});
  save_pair_table(table, folder / "random/table.h5");
  expect_error("random/table.h5: ");
}

TEST_F(DamagedRun, ARandomTableThatIsNone) {
  write_random_run(folder.path(), "balanced");
  expect_error("random: expected a run with sft.set=random, got the balanced set");
}

TEST_F(DamagedRun, AClaimWithoutItsCorrection) {
  change("experiment/results.json", "/claims/1/p_holm", "small");
  expect_error("experiment/results.json: claims[1].p_holm: expected a number, got \"small\"");
}

TEST_F(DamagedRun, AManifestWithoutItsLibraries) {
  change("manifests/import.json", "/software/libraries", 7);
  expect_error("manifests/import.json: software.libraries: expected an object, got 7");
}

TEST_F(DamagedRun, NoFolder) {
  const std::string what = error_of([&] { write_report(folder / "absent", kSmallRunStages); });
  EXPECT_NE(what.find("no run folder"), std::string::npos) << what;
}

}  // namespace
}  // namespace serendip
