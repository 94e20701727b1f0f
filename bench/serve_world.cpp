// serve_world FOLDER [ITEMS CLUSTERS USERS]: a run folder to serve that has the size of a real one
// and knows nothing: random weights, random labels. 10^6 items, all pairs of 761 clusters, 100,000
// users of 20 events.
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "base/random.h"
#include "clusters/tree.h"
#include "data/dataset.h"
#include "infer/pair_table.h"
#include "recsys/item_order.h"
#include "recsys/recommender_io.h"

namespace serendip {
namespace {

constexpr int64_t kLabels = 10, kDimensions = 64, kHistory = 50, kEvents = 20, kTopClusters = 64;

ClusterTree make_tree(int64_t items, int64_t clusters) {
  ClusterTree tree;
  Random random(1);
  for (int64_t item = 0; item < items; ++item)
    tree.item_traffic.push_back(static_cast<double>(random.below(1000)));
  for (int number = 1; number <= kTreeLevels; ++number) {
    TreeLevel& level = tree.levels[static_cast<size_t>(number - 1)];
    const int64_t top = std::min(kTopClusters, clusters);
    const int64_t count = number == 1 ? top : clusters << (number - kPlanningLevel);
    for (int64_t item = 0; item < items; ++item) {
      const int64_t finest = item % (clusters * 4);
      const int64_t planning = finest / 4;
      level.assignment.push_back(
          static_cast<int32_t>(number == 1 ? planning % top : finest >> (kTreeLevels - number)));
    }
    for (int64_t cluster = 0; cluster < count; ++cluster) {
      const int64_t parent = number == 2 ? cluster % top : cluster / 2;
      level.parent.push_back(number == 1 ? -1 : static_cast<int32_t>(parent));
      level.description.push_back(fmt::format("level {} cluster {}", number, cluster));
    }
    level.traffic.assign(static_cast<size_t>(count), 0);
    for (int64_t item = 0; item < items; ++item)
      level.traffic[static_cast<size_t>(level.assignment[static_cast<size_t>(item)])] +=
          tree.item_traffic[static_cast<size_t>(item)];
  }
  return tree;
}

Dataset make_data(int64_t items, int64_t users) {
  Dataset data;
  Random random(2);
  for (int64_t item = 0; item < items; ++item) {
    data.item_id.push_back(fmt::format("item{}", item));
    data.item_title.push_back(fmt::format("The title of the item number {}", item));
    data.item_text.push_back("some text");
  }
  data.user_offset.push_back(0);
  for (int64_t user = 0; user < users; ++user) {
    data.user_id.push_back(fmt::format("user{}", user));
    for (int64_t event = 0; event < kEvents; ++event) {
      data.event_item.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(items))));
      data.event_time.push_back(1'700'000'000 + event * 3'600);
      data.event_reward.push_back(static_cast<float>(1 + random.below(5)));
    }
    data.user_offset.push_back(data.event_count());
  }
  return data;
}

PairTable make_table(int64_t clusters) {
  PairTable table;
  table.contexts = ContextList::all(clusters, 2);
  table.k = kLabels;
  Random random(3);
  for (int64_t row = 0; row < table.rows(); ++row) {
    const auto first = static_cast<int64_t>(random.below(static_cast<uint64_t>(clusters)));
    for (int64_t rank = 0; rank < kLabels; ++rank) {
      table.label.push_back(static_cast<int32_t>((first + 37 * rank) % clusters));
      table.log_prob.push_back(-1.0f - 0.3f * static_cast<float>(rank));
      table.probability_low.push_back(0.1f);
      table.probability_high.push_back(0.2f);
    }
  }
  return table;
}

void make_world(const std::filesystem::path& folder, int64_t items, int64_t clusters,
                int64_t users) {
  std::filesystem::create_directories(folder);
  const ClusterTree tree = make_tree(items, clusters);
  save_tree(tree, folder / "tree.h5");
  save_dataset(make_data(items, users), folder / "data.h5");
  save_pair_table(make_table(clusters), folder / "table.h5");
  SequenceModelConfig config;
  config.items = items;
  config.dimensions = kDimensions;
  config.max_length = kHistory;
  save_recommender(folder / "recommender", SequenceModel(config, 1), make_item_order(tree));
}

}  // namespace
}  // namespace serendip

int main(int argc, char** argv) {
  const auto number = [&](int at, int64_t otherwise) {
    return argc > at ? std::stoll(argv[at]) : otherwise;
  };
  if (argc < 2) return 2;
  serendip::make_world(argv[1], number(2, 1'000'000), number(3, 761), number(4, 100'000));
  return 0;
}
