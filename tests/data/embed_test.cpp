#include "data/embed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/check.h"
#include "base/hdf5_file.h"
#include "data/dataset.h"
#include "data/sparse_features.h"
#include "data/split.h"
#include "tests/base/temporary_folder.h"

namespace serendip {
namespace {

// The `count` first of "u0", "u1", … that belong to `split`.
std::vector<std::string> users_of(Split split, size_t count) {
  std::vector<std::string> users;
  for (int number = 0; users.size() < count; ++number) {
    const std::string user = fmt::format("u{}", number);
    if (split_of(user) == split) users.push_back(user);
  }
  return users;
}

void add_user(Dataset& dataset, const std::string& user, const std::vector<int32_t>& items,
              float reward = 1) {
  if (dataset.user_offset.empty()) dataset.user_offset.push_back(0);
  dataset.user_id.push_back(user);
  for (const int32_t item : items) {
    dataset.event_time.push_back(static_cast<int64_t>(dataset.event_item.size()));
    dataset.event_item.push_back(item);
    dataset.event_reward.push_back(reward);
  }
  dataset.user_offset.push_back(dataset.event_count());
}

Dataset with_items(const std::vector<std::string>& titles) {
  Dataset dataset;
  for (const std::string& title : titles) {
    dataset.item_id.push_back(fmt::format("i{}", dataset.item_id.size()));
    dataset.item_title.push_back(title);
    dataset.item_text.push_back("");
  }
  dataset.user_offset = {0};
  return dataset;
}

class Embed : public testing::Test {
 protected:
  void SetUp() override {
    options_.dimensions = 6;
    dataset_ =
        with_items({"star wars space battle", "star trek space voyage", "cooking with garlic",
                    "garlic bread cooking", "romantic paris", "romantic rome", "! ?"});
  }
  Dataset embed() {
    save_dataset(dataset_, folder_ / "data.h5");
    result_ = embed_items(options_, folder_ / "data.h5", folder_ / kEmbeddingFile);
    return load_dataset(folder_ / "data.h5");
  }
  static double cosine(const Dataset& dataset, int64_t first, int64_t second) {
    double sum = 0;
    const int64_t width = dataset.embedding_dim;
    for (int64_t d = 0; d < width; ++d)
      sum += static_cast<double>(dataset.embedding[static_cast<size_t>(first * width + d)]) *
             dataset.embedding[static_cast<size_t>(second * width + d)];
    return sum;
  }

  TemporaryFolder folder_;
  EmbedOptions options_;
  Dataset dataset_;
  nlohmann::json result_;
};

TEST_F(Embed, RowsAreUnitAndSimilarTitlesClose) {
  const Dataset dataset = embed();
  ASSERT_EQ(dataset.embedding_dim, 6);
  for (int64_t item = 0; item < 7; ++item) EXPECT_NEAR(cosine(dataset, item, item), 1, 1e-5);
  for (const int64_t first : {0, 2, 4}) {
    for (int64_t other = 0; other < 6; ++other) {
      if (other / 2 == first / 2) continue;
      EXPECT_GT(cosine(dataset, first, first + 1), cosine(dataset, first, other) + 0.2);
    }
  }
  EXPECT_EQ(result_,
            nlohmann::json::parse(
                R"({"items": 7, "dimensions": 6, "source": "content", "placeholders": 1})"));
}

TEST_F(Embed, SameSeedSameFile) {
  embed();
  const std::vector<float> first =
      Hdf5File::open(folder_ / kEmbeddingFile).read<float>(kEmbeddingDataset);
  embed();
  EXPECT_EQ(Hdf5File::open(folder_ / kEmbeddingFile).read<float>(kEmbeddingDataset), first);
  options_.seed = 2;
  embed();
  EXPECT_NE(Hdf5File::open(folder_ / kEmbeddingFile).read<float>(kEmbeddingDataset), first);
}

TEST_F(Embed, MoreDimensionsThanItemsArePadded) {
  options_.dimensions = 20;
  const Dataset dataset = embed();
  ASSERT_EQ(dataset.embedding.size(), 7u * 20u);
  for (size_t item = 0; item < 6; ++item)
    for (size_t d = 7; d < 20; ++d) EXPECT_EQ(dataset.embedding[item * 20 + d], 0);
}

TEST_F(Embed, PlaceholdersDependOnTheIdAlone) {
  const Dataset before = embed();
  const std::vector<float> row(before.embedding.end() - 6, before.embedding.end());
  dataset_ = with_items({"star wars", "garlic", "paris rome", "", "", "", "", "late arrival"});
  const Dataset after = embed();
  EXPECT_EQ(std::vector<float>(after.embedding.begin() + 36, after.embedding.begin() + 42), row);
  EXPECT_EQ(result_["placeholders"], 4);
  EXPECT_LT(std::abs(cosine(after, 3, 4)), 0.999);
}

TEST_F(Embed, CoConsumptionPullsItemsOfTheSameUsersTogether) {
  for (const std::string& user : users_of(Split::kTrain, 12)) add_user(dataset_, user, {0, 2, 6});
  const Dataset content = embed();
  options_.co_consumption = 0.7;
  const Dataset fused = embed();
  EXPECT_GT(cosine(fused, 0, 2), cosine(content, 0, 2) + 0.3);
  EXPECT_GT(cosine(fused, 0, 6), 0.3);
  EXPECT_GT(cosine(fused, 4, 5), 0.2);
  EXPECT_EQ(result_["placeholders"], 0);
  EXPECT_EQ(result_["source"], "content+co_consumption");
}

TEST_F(Embed, FusedCosinesAreTheWeightedMean) {
  dataset_ = with_items({"star wars", "star trek", "cooking trek", "cooking wars"});
  const std::vector<std::string> users = users_of(Split::kTrain, 3);
  add_user(dataset_, users[0], {0, 1, 2});
  add_user(dataset_, users[1], {2, 3, 3});
  add_user(dataset_, users[2], {3, 0});
  options_.dimensions = 8;  // nothing is cut off
  const Dataset content = embed();
  options_.co_consumption = 1;
  const Dataset together = embed();
  options_.co_consumption = 0.3;
  const Dataset fused = embed();
  for (int64_t first = 0; first < 4; ++first)
    for (int64_t second = 0; second < 4; ++second)
      EXPECT_NEAR(cosine(fused, first, second),
                  0.7 * cosine(content, first, second) + 0.3 * cosine(together, first, second),
                  1e-5);
}

TEST_F(Embed, HeldOutUsersTakeNoPart) {
  const Dataset before = embed();
  for (const Split split : {Split::kDev, Split::kTest})
    for (const std::string& user : users_of(split, 5)) add_user(dataset_, user, {0, 2});
  EXPECT_EQ(basket_counts(dataset_, 0, 0).nonZeros(), 0);
  options_.co_consumption = 0.5;
  EXPECT_NEAR(cosine(embed(), 0, 2), cosine(before, 0, 2), 1e-3);
}

TEST_F(Embed, BasketsFollowWindowAndReward) {
  const std::vector<std::string> users = users_of(Split::kTrain, 3);
  add_user(dataset_, users[0], {0, 1, 1, 2, 3, 3});
  add_user(dataset_, users[1], {4, 4});
  add_user(dataset_, users[2], {4, 5}, -1);
  const SparseRows whole = basket_counts(dataset_, 0, 0);
  EXPECT_EQ(whole.cols(), 1);
  EXPECT_EQ(whole.coeff(1, 0), 2);
  EXPECT_EQ(whole.nonZeros(), 4);
  const SparseRows pairs = basket_counts(dataset_, 2, 0);  // {0, 1}, {1, 2}; {3, 3} says nothing
  EXPECT_EQ(pairs.cols(), 2);
  EXPECT_EQ(pairs.coeff(1, 0), 1);
  EXPECT_EQ(pairs.coeff(1, 1), 1);
  EXPECT_EQ(pairs.coeff(3, 1), 0);
  EXPECT_EQ(basket_counts(dataset_, 0, -1).cols(), 2);
}

TEST_F(Embed, TfIdfByHand) {
  dataset_ = with_items({"aa aa bb", "aa", ""});
  SparseRows features = word_counts(dataset_, 1 << 20);
  ASSERT_EQ(features.cols(), 2);
  weigh_tf_idf(features);
  const double aa = (1 + std::log(2.0)) * (1 + std::log(4.0 / 3)), bb = 1 + std::log(4.0 / 2);
  const double length = std::hypot(aa, bb);
  const std::vector<float> row = {features.coeff(0, 0), features.coeff(0, 1)};
  EXPECT_NEAR(std::max(row[0], row[1]), std::max(aa, bb) / length, 1e-6);
  EXPECT_NEAR(std::min(row[0], row[1]), std::min(aa, bb) / length, 1e-6);
  EXPECT_EQ(features.row(1).norm(), 1);
  EXPECT_EQ(features.row(2).norm(), 0);
  EXPECT_EQ(word_counts(dataset_, 1).cols(), 1);
}

TEST_F(Embed, OwnVectorsAreScaledToUnitLength) {
  dataset_ = with_items({"x", "y"});
  write_hdf5(folder_ / "own.h5", [](Hdf5File& file) {
    file.write<float>("/v", std::vector<float>{3, 4, 0, 0}, {2, 2});
  });
  options_.vectors = (folder_ / "own.h5").string() + ":/v";
  const Dataset dataset = embed();
  EXPECT_EQ(dataset.embedding_dim, 2);
  EXPECT_FLOAT_EQ(dataset.embedding[0], 0.6f);
  EXPECT_FLOAT_EQ(dataset.embedding[1], 0.8f);
  EXPECT_EQ(result_["placeholders"], 1);
  options_.co_consumption = 0.5;
  EXPECT_NE(error_of([&] { embed(); }).find("embed.co_consumption = 0.5: expected 0"),
            std::string::npos);
}

TEST_F(Embed, StaleEmbeddingsOfOtherItemsAreReplaced) {
  embed();
  dataset_ = with_items({"one thing", "another thing"});
  EXPECT_EQ(embed().embedding.size(), 2u * 6u);
}

TEST_F(Embed, OptionsParseFromARecipe) {
  OptionSet set("embed");
  options_.declare(set);
  load_recipe({}, {"embed.dimensions=64", "embed.co_consumption=0.3"}, {&set});
  EXPECT_EQ(options_.dimensions, 64);
  EXPECT_EQ(options_.co_consumption, 0.3);
  EXPECT_NE(error_of([&] { load_recipe({}, {"embed.co_consumption=2"}, {&set}); }).find("0 to 1"),
            std::string::npos);
}

}  // namespace
}  // namespace serendip
