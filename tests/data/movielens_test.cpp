// Import and embedding of real data: MovieLens, 2018 small release.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>

#include "base/check.h"
#include "data/dataset.h"
#include "data/embed.h"
#include "data/import.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {
namespace fs = std::filesystem;

fs::path data_folder() {
  if (const char* folder = std::getenv("SERENDIP_DATA")) return folder;
  const char* source = std::getenv("SERENDIP_SOURCE_DIR");
  return fs::path(source ? source : ".") / "../shared/data";
}

class MovieLens : public testing::Test {
 protected:
  void SetUp() override {
    const fs::path zip = data_folder() / "ml-latest-small/ml-latest-small.zip";
    if (!fs::exists(zip)) GTEST_SKIP() << zip << " is absent";
    const std::string command =
        fmt::format("python3 -m zipfile -e '{}' '{}'", zip.string(), folder_.path().string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    const fs::path unpacked = folder_ / "ml-latest-small";
    options_.events = unpacked / "ratings.csv";
    options_.items = unpacked / "movies.csv";
    options_.tags = unpacked / "tags.csv";
    options_.event_user = "userId";
    options_.event_item = options_.item_id = options_.tags_item = "movieId";
    options_.event_reward = "rating";
    options_.item_title = "title";
    options_.item_text = {"genres"};
    options_.text_delimiter = "|";
  }

  TemporaryFolder folder_;
  ImportOptions options_;
};

TEST_F(MovieLens, ImportsAndEmbeds) {
  EXPECT_EQ(import_data(options_, folder_ / "data.h5"),
            nlohmann::json::parse(R"({"items": 9742, "users": 610, "events": 100836,
                                      "bad_rows": 0, "items_without_metadata": 0})"));
  EmbedOptions embed;
  embed.dimensions = 64;
  embed.iterations = 2;
  embed_items(embed, folder_ / "data.h5", folder_ / kEmbeddingFile);
  const Dataset dataset = load_dataset(folder_ / "data.h5");
  ASSERT_EQ(dataset.embedding_dim, 64);
  std::map<std::string, size_t> item;
  for (size_t i = 0; i < dataset.item_title.size(); ++i) item[dataset.item_title[i]] = i;
  ASSERT_TRUE(item.count("11'09\"01 - September 11 (2002)"));
  EXPECT_EQ(dataset.item_text[item.at("Toy Story (1995)")],
            "Adventure Animation Children Comedy Fantasy pixar fun");
  const auto cosine = [&](const std::string& first, const std::string& second) {
    const float* a = &dataset.embedding[64 * item.at(first)];
    const float* b = &dataset.embedding[64 * item.at(second)];
    return std::inner_product(a, a + 64, b, 0.0);
  };
  EXPECT_GT(cosine("Toy Story (1995)", "Toy Story 2 (1999)"), 0.7);
  EXPECT_LT(cosine("Toy Story (1995)", "Saw (2004)"), 0.4);
}

}  // namespace
}  // namespace serendip
