#include <gtest/gtest.h>
#include <hdf5.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hdf5_file.h"
#include "tests/base/temporary_folder.h"
#include "tests/cli/command_line.h"
#include "tests/infer/small_tree.h"

namespace serendip {
namespace {

class Inspect : public testing::Test {
 protected:
  CommandResult inspect(const std::string& name) {
    return run_command(folder.path(), {"inspect", name});
  }
  nlohmann::json json(const std::string& name) {
    const CommandResult result = run_command(folder.path(), {"inspect", name, "--json"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  }
  std::string error(const std::string& name) {
    const CommandResult result = inspect(name);
    EXPECT_EQ(result.exit_code, 1) << result.out;
    return result.error_line();
  }

  TemporaryFolder folder;
};

// One tensor "w" of 2×3 float32, as the format's page describes it.
std::string small_safetensors() {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(24, '\0');
}

TEST_F(Inspect, Hdf5) {
  write_hdf5(folder / "a.h5", [](Hdf5File& file) {
    file.write<int32_t>("/level/parent", std::vector<int32_t>{7, 8, 9, 10, 11, 12}, {2, 3});
    file.write<float>("/weight", std::vector<float>{0.5f});
    file.write_strings("/title", {"Alien (1979)"});
    file.write_attribute("hash", "abc");
  });
  const auto description = json("a.h5");
  EXPECT_EQ(description.at("kind"), "hdf5");
  EXPECT_EQ(description.at("attributes").at("hash"), "abc");
  const auto& datasets = description.at("datasets");
  ASSERT_EQ(datasets.size(), 3u);
  EXPECT_EQ(datasets[0].at("name"), "/level/parent");
  EXPECT_EQ(datasets[0].at("dtype"), "i32");
  EXPECT_EQ(datasets[0].at("shape"), nlohmann::json({2, 3}));
  EXPECT_EQ(datasets[0].at("first").at(0), 7);
  EXPECT_EQ(datasets[1].at("first").at(0), "Alien (1979)");
  const CommandResult text = inspect("a.h5");
  EXPECT_NE(text.out.find("/level/parent  i32  [2, 3]  7, 8, 9"), std::string::npos) << text.out;
}

// data.h5 before `embed`: /items/embedding is an external link to a file that is not there yet.
TEST_F(Inspect, Hdf5WithALinkToNowhere) {
  write_hdf5(folder / "a.h5",
             [](Hdf5File& file) { file.write<float>("/x", std::vector<float>{1}); });
  const hid_t file = H5Fopen((folder / "a.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  H5Lcreate_external("absent.h5", "/embedding", file, "/link", H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(file);
  const auto datasets = json("a.h5").at("datasets");
  ASSERT_EQ(datasets.size(), 2u);
  EXPECT_TRUE(datasets[0].at("dtype").is_null());
  EXPECT_EQ(datasets[1].at("name"), "/x");
}

TEST_F(Inspect, Safetensors) {
  write_file(folder / "m.safetensors", small_safetensors());
  const auto description = json("m.safetensors");
  EXPECT_EQ(description.at("parameter_count"), 6);
  EXPECT_EQ(description.at("tensor_bytes"), 24);
  EXPECT_EQ(description.at("metadata").at("format"), "pt");
  EXPECT_EQ(description.at("tensors").at(0).at("name"), "w");
  const CommandResult text = inspect("m.safetensors");
  EXPECT_NE(text.out.find("w  F32  [2, 3]  24 B"), std::string::npos) << text.out;
}

TEST_F(Inspect, TruncatedSafetensorsIsNamed) {
  write_file(folder / "m.safetensors", small_safetensors().substr(0, 100));
  EXPECT_NE(error("m.safetensors").find("m.safetensors"), std::string::npos);
}

TEST_F(Inspect, JsonLines) {
  write_file(
      folder / "s.jsonl",
      "{\"context\":[1,2],\"label\":3,\"count\":1}\n{\"context\":[2,1],\"label\":4,\"count\":9}\n");
  const auto description = json("s.jsonl");
  EXPECT_EQ(description.at("lines"), 2);
  EXPECT_EQ(description.at("first").at(1).at("count"), 9);
  write_file(folder / "s.jsonl", "{\"a\":1}\n{\"a\":\n");
  EXPECT_NE(error("s.jsonl").find("s.jsonl:2: not valid JSON"), std::string::npos);
}

TEST_F(Inspect, APairTableInWords) {
  write_hdf5(folder / "table.h5", [](Hdf5File& file) {
    const std::vector<int64_t> shape = {64, 1};
    file.write<uint16_t>("/label", std::vector<uint16_t>(64, 2), shape);
    file.write<float>("/log_prob", std::vector<float>(64, -1), shape);
    file.write<float>("/probability_low", std::vector<float>(64, 0.25F), shape);
    file.write<float>("/probability_high", std::vector<float>(64, 0.5F), shape);
  });
  EXPECT_EQ(json("table.h5").at("rows").at(0), "0; 1 -> 2 0.250-0.500");
  save_tree(small_tree(), folder / "tree.h5");
  const std::string shown = inspect("table.h5").out;
  EXPECT_NE(shown.find("dog, park (0); cat, milk (1) -> big tree (2) 0.250-0.500"),
            std::string::npos)
      << shown;
}

TEST_F(Inspect, ARunFolder) {
  write_file(folder / "run/manifests/import.json",
             R"({"stage":"import","seconds":1.5,"peak_memory":1048576,"result":{"events":3}})");
  write_file(folder / "run/data.h5", "1234");
  const auto description = json("run");
  EXPECT_EQ(description.at("kind"), "run");
  EXPECT_EQ(description.at("stages").at(0).at("name"), "import");
  EXPECT_NE(inspect("run").out.find("import"), std::string::npos);
}

TEST_F(Inspect, AModelFolder) {
  if (!std::filesystem::exists(data_path("stories260K")))
    GTEST_SKIP() << data_path("stories260K") << " is absent";
  const auto description = json(std::filesystem::absolute(data_path("stories260K")).string());
  EXPECT_EQ(description.at("kind"), "model");
  EXPECT_EQ(description.at("config").at("num_hidden_layers"), 5);
  EXPECT_EQ(description.at("parameter_count"), 260032);
}

TEST_F(Inspect, AModelFolderOfAnyType) {
  write_file(folder / "m/config.json", R"({"model_type":"serendip_sequence","items":3})");
  write_file(folder / "m/model.safetensors", small_safetensors());
  const auto description = json("m");
  EXPECT_EQ(description.at("config").at("items"), 3);
  EXPECT_EQ(description.at("tensor_count"), 1);
}

TEST_F(Inspect, SaysWhatItCannotRead) {
  EXPECT_NE(error("absent.h5").find("absent.h5: no such file"), std::string::npos);
  write_file(folder / "notes.txt", "hello");
  EXPECT_NE(error("notes.txt").find("notes.txt: expected HDF5"), std::string::npos);
  write_file(folder / "broken.h5", "hello");
  EXPECT_NE(error("broken.h5").find("broken.h5: not an HDF5 file"), std::string::npos);
  write_file(folder / "empty.json", "");
  EXPECT_NE(error("empty.json").find("empty.json: not valid JSON"), std::string::npos);
}

TEST_F(Inspect, AFullStdoutIsAnError) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "/dev/full is absent";
  write_file(folder / "a.json", "{}");
  const CommandResult result =
      run_command(folder.path(), {"inspect", "a.json"}, {.out_path = "/dev/full"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.error_line().find("No space left"), std::string::npos) << result.err;
}

}  // namespace
}  // namespace serendip
