#include "report/json_field.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

TEST(JsonField, ErrorsNameFileFieldExpectedAndActual) {
  const nlohmann::json json = {{"list", {{{"value", "high"}}, 3}}, {"none", nullptr}};
  const JsonField root(json, "runs/x.json");
  EXPECT_EQ(error_of([&] { root.at("list").items()[0].at("value").number(); }),
            "runs/x.json: list[0].value: expected a number, got \"high\"");
  EXPECT_EQ(error_of([&] { root.at("list").items()[1].at("value"); }),
            "runs/x.json: list[1]: expected an object, got 3");
  EXPECT_EQ(error_of([&] { root.at("other"); }),
            "runs/x.json: expected the field 'other', got none");
  EXPECT_EQ(error_of([&] { root.at("list").text(); }),
            "runs/x.json: list: expected a text, got array");
  EXPECT_FALSE(root.find("none"));
  EXPECT_FALSE(root.find("absent"));
}

TEST(JsonField, AFileThatIsNotJsonIsNamed) {
  const TemporaryFolder folder;
  write_file(folder / "eval.json", "{\"comparison\": [");
  EXPECT_NE(error_of([&] { read_json(folder / "eval.json"); }).find("eval.json: not JSON"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
