#include "simulator/simulate_world.h"

#include <gtest/gtest.h>
#include <omp.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/hdf5_file.h"
#include "data/dataset.h"
#include "data/embed.h"
#include "data/import.h"
#include "simulator/taste.h"
#include "simulator/world_files.h"
#include "tests/simulator/small_wordnet.h"

namespace serendip {
namespace {

class SimulatedWorld : public SmallWorld {
 protected:
  // Hashes of all files.
  std::vector<std::string> hashes(const char* name) const {
    std::vector<std::string> hashes;
    for (const char* file : {kWorldEvents, kWorldItems, kWorldVectors, kWorldTruth})
      hashes.push_back(hash_path(folder / name / file));
    return hashes;
  }
};

TEST_F(SimulatedWorld, IsTheSameOnAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  simulate_world(options, folder / "one");
  omp_set_num_threads(5);
  simulate_world(options, folder / "five");
  omp_set_num_threads(before);
  EXPECT_EQ(hashes("one"), hashes("five"));
  options.seed = 2;
  simulate_world(options, folder / "other");
  for (size_t i = 0; i < 4; ++i) EXPECT_NE(hashes("one")[i], hashes("other")[i]) << i;
}

// More users than one block holds, which must not change the first.
TEST_F(SimulatedWorld, GrowsByBlocks) {
  options.users = 5000;
  options.days = 2;
  const nlohmann::json result = simulate_world(options, folder / "large");
  ImportOptions importing;
  importing.events = (folder / "large" / kWorldEvents).string();
  importing.event_reward = "reward";
  const Dataset large =
      (import_data(importing, folder / "large.h5"), load_dataset(folder / "large.h5", false));
  EXPECT_EQ(large.event_count(), result.at("events").get<int64_t>());
  EXPECT_EQ(large.user_count(), result.at("active_users").get<int64_t>());
  options.users = 100;
  simulate_world(options, folder / "small");
  importing.events = (folder / "small" / kWorldEvents).string();
  const Dataset small =
      (import_data(importing, folder / "small.h5"), load_dataset(folder / "small.h5", false));
  for (int64_t user = 0; user < small.user_count(); ++user) {
    EXPECT_EQ(small.user_id[static_cast<size_t>(user)], large.user_id[static_cast<size_t>(user)]);
    EXPECT_EQ(small.user_offset[static_cast<size_t>(user) + 1],
              large.user_offset[static_cast<size_t>(user) + 1]);
  }
}

TEST_F(SimulatedWorld, FeedsThePipeline) {
  const nlohmann::json result = simulate_world(options, folder / "world");
  ImportOptions importing;
  importing.events = (folder / "world" / kWorldEvents).string();
  importing.event_reward = "reward";
  importing.items = (folder / "world" / kWorldItems).string();
  importing.item_title = "title";
  importing.item_text = {"tags"};
  importing.max_bad_rows = 0;
  const nlohmann::json imported = import_data(importing, folder / "data.h5");
  EXPECT_EQ(imported.at("events"), result.at("events"));
  EXPECT_EQ(imported.at("items"), options.items);
  EXPECT_EQ(imported.at("items_without_metadata"), 0);
  EmbedOptions embed;
  embed.vectors = (folder / "world" / kWorldVectors).string();
  EXPECT_EQ(embed_items(embed, folder / "data.h5", folder / "embedding.h5").at("dimensions"), 32);

  const Dataset dataset = load_dataset(folder / "data.h5");
  EXPECT_EQ(dataset.item_id[17], "17");
  double liked = 0;
  for (const float reward : dataset.event_reward) liked += reward;
  EXPECT_NEAR(liked / static_cast<double>(dataset.event_count()), result.at("liked").get<double>(),
              1e-6);
  EXPECT_GT(liked / static_cast<double>(dataset.event_count()), 0.3);
  EXPECT_LT(liked / static_cast<double>(dataset.event_count()), 0.9);
  // The truth's topic is the one that the item's text names.
  const Hdf5File truth = Hdf5File::open(folder / "world" / kWorldTruth);
  const auto topic = truth.read<int32_t>("/items/topic");
  const std::vector<std::string> names = truth.read_strings("/topics/name");
  ASSERT_EQ(topic.size(), dataset.item_text.size());
  for (size_t item = 0; item < topic.size(); ++item)
    EXPECT_TRUE(dataset.item_text[item].starts_with(names[static_cast<size_t>(topic[item])] + ","));
}

TEST_F(SimulatedWorld, KeepsTheTruth) {
  simulate_world(options, folder / "world");
  const World world = make_world(options);
  const Hdf5File truth = Hdf5File::open(folder / "world" / kWorldTruth);
  EXPECT_EQ(truth.read_attribute("seed"), "1");
  EXPECT_EQ(truth.read<int64_t>("/related/offset"), world.related.offsets());
  EXPECT_EQ(truth.read<float>("/items/quality"), world.items.qualities());
  const auto offset = truth.read<int64_t>("/users/offset");
  const auto topic = truth.read<int32_t>("/users/topic");
  ASSERT_EQ(offset.size(), static_cast<size_t>(options.users) + 1);
  for (int64_t user = 0; user < options.users; ++user)
    EXPECT_EQ(std::vector<int32_t>(topic.begin() + offset[static_cast<size_t>(user)],
                                   topic.begin() + offset[static_cast<size_t>(user) + 1]),
              draw_taste(world, user).topic);
}

TEST_F(SimulatedWorld, WithoutDimensionsWritesNoVectors) {
  options.dimensions = 0;
  simulate_world(options, folder / "world");
  EXPECT_FALSE(std::filesystem::exists(folder / "world" / kWorldVectors));
  EXPECT_TRUE(std::filesystem::exists(folder / "world" / kWorldEvents));
}

TEST_F(SimulatedWorld, AnImpossibleOneLeavesNothing) {
  options.topics = 61;
  EXPECT_NE(error_of([&] { simulate_world(options, folder / "world"); }), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "world"));
  EXPECT_FALSE(std::filesystem::exists(folder / "world.tmp"));
}

TEST(DefaultWorld, OfDebiansWordNet) {
  if (!has_wordnet()) GTEST_SKIP() << "no WordNet in " << kWordNetFolder;
  const TemporaryFolder folder;
  const nlohmann::json result = simulate_world({}, folder / "world");
  EXPECT_GT(result.at("events").get<int64_t>(), 100'000);
  EXPECT_GT(result.at("hidden_pairs").get<int64_t>(), 300);
}

}  // namespace
}  // namespace serendip
