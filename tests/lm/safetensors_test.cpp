#include "lm/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/check.h"
#include "base/file.h"
#include "tests/base/temporary_folder.h"
#include "tests/lm/test_data.h"

namespace serendip {
namespace {

using Tensors = std::vector<std::pair<std::string, SafetensorsEntry>>;

template <typename T>
SafetensorsEntry entry(const std::string& dtype, std::vector<int64_t> shape,
                       const std::vector<T>& values) {
  return {dtype, std::move(shape), reinterpret_cast<const uint8_t*>(values.data()),
          static_cast<int64_t>(values.size() * sizeof(T))};
}

// Length, header and `data_bytes` zeros.
std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string content(8, '\0');
  std::memcpy(content.data(), &length, 8);
  return content + header + std::string(data_bytes, '\0');
}

std::string open_error(const std::string& content) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.safetensors", std::ios::binary) << content;  // no flush to the disk
  try {
    const SafetensorsFile file(folder / "x.safetensors");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST(Safetensors, RoundTrip) {
  const TemporaryFolder folder;
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> ids = {-1, 1};
  const std::vector<uint16_t> halves = {0x3F80};
  const std::vector<float> none;
  write_safetensors(folder / "m.safetensors",
                    {{"z.weight", entry("F32", {2, 3}, weights)},
                     {"empty", entry("F32", {0, 7}, none)},
                     {"a.ids", entry("I64", {2}, ids)},
                     {"scalar \"ü\"", entry("BF16", {}, halves)}},
                    {{"format", "pt"}, {"note", "x"}});
  SafetensorsFile opened(folder / "m.safetensors");
  const SafetensorsFile file(std::move(opened));
  EXPECT_EQ(file.metadata().at("note"), "x");
  ASSERT_EQ(file.entries().size(), 4u);
  const SafetensorsEntry& read = file.entries().at("z.weight");
  EXPECT_EQ(read.dtype, "F32");
  EXPECT_EQ(read.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(read.data), 24),
            std::string_view(reinterpret_cast<const char*>(weights.data()), 24));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(read.data) % 8, 0u);
  EXPECT_EQ(std::memcmp(file.entries().at("a.ids").data, ids.data(), 16), 0);
  EXPECT_EQ(file.entries().at("empty").bytes, 0);
  EXPECT_TRUE(file.entries().at("scalar \"ü\"").shape.empty());
}

TEST(Safetensors, PythonReadsOurs) {
  if (run_python("-c 'import safetensors, numpy' 2>/dev/null") != 0) {
    GTEST_SKIP() << "Python's safetensors is absent";
  }
  const TemporaryFolder folder;
  const std::vector<float> weights = {1, 2, 3, 4, 5, 6};
  const std::vector<int32_t> ids = {7, -8};
  write_safetensors(folder / "m.safetensors",
                    {{"w", entry("F32", {2, 3}, weights)}, {"b.ids", entry("I32", {2}, ids)}});
  EXPECT_EQ(run_python("-c 'from safetensors import safe_open\n"
                       "with safe_open(\"" +
                       (folder / "m.safetensors").string() +
                       "\", \"numpy\") as f:\n"
                       "  assert f.metadata() == {\"format\": \"pt\"}\n"
                       "  assert f.get_tensor(\"w\").tolist() == [[1, 2, 3], [4, 5, 6]]\n"
                       "  assert f.get_tensor(\"b.ids\").tolist() == [7, -8]'"),
            0);
}

TEST(Safetensors, ReadsARealModel) {
  const std::filesystem::path path = shared_data("stories260K/model.safetensors");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const SafetensorsFile file(path);
  EXPECT_EQ(file.entries().at("model.embed_tokens.weight").shape, (std::vector<int64_t>{512, 64}));
}

TEST(Safetensors, RefusesToWriteWhatCannotBeRead) {
  const TemporaryFolder folder;
  const std::vector<float> one = {1};
  const auto write = [&](const Tensors& tensors) {
    return error_of([&] { write_safetensors(folder / "m.safetensors", tensors); });
  };
  EXPECT_NE(write({{"a", entry("F32", {1}, one)}, {"a", entry("F32", {1}, one)}}).find("taken"),
            std::string::npos);
  EXPECT_NE(write({{"a", entry("F32", {2}, one)}}).find("takes 8 bytes, got 4"), std::string::npos);
  EXPECT_NE(write({{"a", entry("F33", {1}, one)}}).find("unknown dtype 'F33'"), std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Safetensors, EveryTruncationIsAnError) {
  const std::string content =
      file_of(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}   )", 16);
  EXPECT_EQ(open_error(content), "");
  for (size_t size = 0; size < content.size(); ++size) {
    EXPECT_NE(open_error(content.substr(0, size)), "") << size;
  }
  const std::string error = open_error(content.substr(0, content.size() - 1));
  EXPECT_NE(error.find("x.safetensors: truncated: expected " + std::to_string(content.size()) +
                       " bytes, got " + std::to_string(content.size() - 1)),
            std::string::npos)
      << error;
  EXPECT_NE(open_error(content + "z").find("1 bytes behind the last tensor"), std::string::npos);
}

// Any single byte changed either still makes a valid file or throws Error.
TEST(Safetensors, SurvivesAnyChangedByte) {
  const std::string content = file_of(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}})",
      16);
  int errors = 0;
  for (size_t position = 0; position < content.size() - 16; ++position) {
    for (const char value : {'\0', '\x01', '"', '{', '}', '[', '9', '-', '\xFF'}) {
      std::string changed = content;
      changed[position] = value;
      errors += !open_error(changed).empty();
    }
  }
  EXPECT_GT(errors, 500);
}

struct Hostile {
  std::string header;
  size_t data_bytes;
  std::string message;
};

class HostileHeader : public testing::TestWithParam<Hostile> {};

TEST_P(HostileHeader, IsAClearError) {
  const std::string error = open_error(file_of(GetParam().header, GetParam().data_bytes));
  EXPECT_NE(error.find("x.safetensors"), std::string::npos) << error;
  EXPECT_NE(error.find(GetParam().message), std::string::npos) << error;
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

const std::string kFour = tensor("\"F32\"", "[1]", "[0,4]");

INSTANTIATE_TEST_SUITE_P(
    All, HostileHeader,
    testing::Values(
        Hostile{"", 0, "not JSON"}, Hostile{"{", 0, "not JSON"}, Hostile{"[]", 0, "JSON object"},
        Hostile{"{\"a\xFF\":1}", 0, "not JSON"}, Hostile{"null", 0, "JSON object"},
        Hostile{std::string(100000, '['), 0, "nested deeper"},
        Hostile{R"({"a":1})", 0, "expected an object of dtype"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1]}})", 4, "expected an object of dtype"},
        Hostile{R"({"a":{"dtype":"F32","shape":[1],"offsets":[0,4]}})", 4, "'data_offsets'"},
        Hostile{R"({"__metadata__":[]})", 0, "'__metadata__': expected an object"},
        Hostile{R"({"__metadata__":{"a":1}})", 0, "'__metadata__.a': expected a string"},
        Hostile{R"({"__metadata__":{"a":"x","a":"y"}})", 0, "'a' occurs twice"},
        Hostile{R"({"a":)" + kFour + R"(,"a":)" + kFour + "}", 4, "'a' occurs twice"},
        Hostile{R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
                "'dtype' occurs twice"},
        Hostile{R"({"a":)" + tensor("\"F31\"", "[1]", "[0,4]") + "}", 4, "unknown dtype 'F31'"},
        Hostile{R"({"a":)" + tensor("32", "[1]", "[0,4]") + "}", 4, "'dtype': expected a string"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "1", "[0,4]") + "}", 4, "'shape': expected a list"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[-1]", "[0,4]") + "}", 4, "'shape': expected int"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[1.0]", "[0,4]") + "}", 4, "'shape': expected int"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[18446744073709551615]", "[0,4]") + "}", 4,
                "'shape': expected int"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[4611686018427387904,4]", "[0,0]") + "}", 0,
                "is impossible"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[4294967296,4294967296]", "[0,0]") + "}", 0,
                "is impossible"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[2]", "[0,4]") + "}", 4, "takes 8 bytes"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[1]", "[4,0]") + "}", 4, "data_offsets are [4, 0]"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[1]", "[0]") + "}", 4, "expected 2 offsets"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[1]", "[0,4,8]") + "}", 4, "expected 2 offsets"},
        Hostile{R"({"a":)" + tensor("\"F32\"", "[1]", "[4,8]") + "}", 8, "leaving a hole"},
        Hostile{R"({"a":)" + kFour + R"(,"b":)" + kFour + "}", 8, "overlapping"},
        Hostile{R"({"a":)" + kFour + R"(,"b":)" + tensor("\"F32\"", "[1]", "[2,6]") + "}", 6,
                "'b' begins at byte 2, overlapping"},
        Hostile{R"({"a":)" + kFour + R"(,"b":)" + tensor("\"F32\"", "[1]", "[8,12]") + "}", 12,
                "leaving a hole"},
        Hostile{R"({"a":)" + tensor("\"U8\"", "[1000000000000]", "[0,1000000000000]") + "}", 8,
                "truncated: expected 1000000000"},
        Hostile{R"({"a":)" + kFour + "}", 5, "behind the last tensor"}));

TEST(Safetensors, RefusesAnAbsurdHeaderLength) {
  EXPECT_NE(open_error(std::string(8, '\xFF') + "{}").find("not a safetensors file"),
            std::string::npos);
  EXPECT_NE(open_error(std::string("\x00\x00\x01\x00\x00\x00\x00\x00{}", 10))
                .find("truncated: expected 65544 bytes, got 10"),
            std::string::npos);
}

TEST(Safetensors, NamesAMissingFile) {
  EXPECT_NE(error_of([] {
              SafetensorsFile file("/nonexistent/m.safetensors");
            }).find("/nonexistent/m.safetensors: cannot open"),
            std::string::npos);
  const TemporaryFolder folder;
  EXPECT_NE(error_of([&] { SafetensorsFile file(folder.path()); }).find("truncated"),
            std::string::npos);
}

TEST(SafetensorsFiles, OneFileOrTheShardsOfTheIndex) {
  const TemporaryFolder folder;
  const auto files = [&] { return safetensors_files(folder.path()); };
  EXPECT_NE(error_of(files).find("neither model.safetensors nor"), std::string::npos);
  write_file(
      folder / "model.safetensors.index.json",
      R"({"weight_map":{"c":"two.safetensors","a":"one.safetensors","b":"two.safetensors"}})");
  write_file(folder / "one.safetensors", "");
  EXPECT_NE(error_of(files).find("two.safetensors: missing"), std::string::npos);
  write_file(folder / "two.safetensors", "");
  EXPECT_EQ(files(), (std::vector<std::filesystem::path>{folder / "one.safetensors",
                                                         folder / "two.safetensors"}));
  write_file(folder / "model.safetensors", "");
  EXPECT_EQ(files(), (std::vector<std::filesystem::path>{folder / "model.safetensors"}));
}

TEST(SafetensorsFiles, AnIndexMayNotPointElsewhere) {
  const TemporaryFolder folder;
  for (const char* name : {"../m.safetensors", "/etc/passwd", "", "a/b.safetensors"}) {
    write_file(folder / "model.safetensors.index.json",
               std::string(R"({"weight_map":{"a":")") + name + R"("}})");
    EXPECT_NE(error_of([&] { safetensors_files(folder.path()); }).find("beside the index"),
              std::string::npos)
        << name;
  }
  write_file(folder / "model.safetensors.index.json", "{}");
  EXPECT_NE(error_of([&] { safetensors_files(folder.path()); }).find("'weight_map'"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
