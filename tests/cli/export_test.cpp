// `serendip export`: tables and models for other tools.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"

namespace serendip {
namespace {

namespace fs = std::filesystem;

class Export : public testing::Test {
 protected:
  CommandResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "export");
    return run_command(folder.path(), arguments);
  }
  TemporaryFolder folder;
};

TEST_F(Export, ATableAsCsv) {
  write_hdf5(folder / "table.h5", [](Hdf5File& file) {
    const std::vector<int64_t> shape = {4, 1};
    file.write<uint16_t>("/label", std::vector<uint16_t>{1, 0, 65535, 1}, shape);  // none in row 2
    file.write<float>("/log_prob", std::vector<float>{-0.5f, -1, -INFINITY, -2}, shape);
    file.write<float>("/probability_low", std::vector<float>{0.25f, 0.5f, 0, 0.125f}, shape);
    file.write<float>("/probability_high", std::vector<float>{0.5f, 1, 0, 0.25f}, shape);
  });
  ASSERT_EQ(run({"table.h5", "table.csv"}).exit_code, 0);
  EXPECT_EQ(read_file(folder / "table.csv"),
            "context_1,context_2,rank,label,log_prob,probability_low,probability_high\n"
            "0,0,1,1,-0.5,0.25,0.5\n"
            "0,1,1,0,-1,0.5,1\n"
            "1,1,1,1,-2,0.125,0.25\n");
  ASSERT_EQ(run({"table.h5", "table.parquet"}).exit_code, 0);
  EXPECT_TRUE(read_file(folder / "table.parquet").starts_with("PAR1"));
  EXPECT_NE(run({"table.h5", "table.xls"}).error_line().find(".csv or .parquet"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "table.xls"));
}

TEST_F(Export, AModelInShards) {
  const fs::path model = fs::absolute(data_path("stories260K"));
  if (!fs::exists(model)) GTEST_SKIP() << model << " is absent";
  ASSERT_EQ(
      run({model.string(), "copy", "--dtype", "bfloat16", "--max-shard-size", "100KB"}).exit_code,
      0);
  EXPECT_TRUE(fs::exists(folder / "copy/model.safetensors.index.json"));
  EXPECT_TRUE(fs::exists(folder / "copy/tokenizer.model"));
  EXPECT_FALSE(fs::exists(folder / "copy.partial"));
  const CommandResult inspected = run_command(folder.path(), {"inspect", "copy", "--json"});
  const auto description = nlohmann::json::parse(inspected.out);
  EXPECT_EQ(description.at("config").at("dtype"), "bfloat16");
  EXPECT_EQ(description.at("parameter_count"), 260032);
  EXPECT_NE(run({model.string(), "copy"}).error_line().find("exists and is not an empty folder"),
            std::string::npos);
}

TEST_F(Export, TransformersLoadsAMergedAdapter) {
  const fs::path adapter = source_path("tests/data/parity/gemma2_lora");
  const CommandResult result =
      run_command(adapter, {"export", ".", (folder / "merged").string(), "--merge"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const std::string command = "cd '" + source_path(".").string() +
                              "' && .venv/bin/python tests/cli/compare_merged.py '" +
                              adapter.string() + "' '" + (folder / "merged").string() + "'";
  const int status = std::system(command.c_str());
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "transformers or peft is not installed";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Export, AnAdapterOnlyMerged) {
  write_file(folder / "adapter/adapter_config.json", "{}");
  EXPECT_NE(run({"adapter", "out"}).error_line().find("--merge"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace serendip
