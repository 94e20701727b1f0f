// train_recommender [ITEMS USERS LENGTH EPOCHS]: the sequence model trained by sampled softmax on a
// catalogue of a million items, 100,000 users of 100 events. Users stay in a cluster of a thousand
// items for a while, whose items they take by popularity: what came last says where the next item
// lies. Prints one JSON line an epoch, then what it cost beside the item table (which, with AdamW's
// two moments, has to be there) and popularity's figure.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdlib>

#include "base/process.h"
#include "base/random.h"
#include "recsys/evaluate.h"
#include "recsys/ranking.h"
#include "recsys/train_model.h"

namespace serendip {
namespace {

constexpr int64_t kClusterItems = 1000, kValidationUsers = 5000;
constexpr double kStays = 0.8;

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Item i in cluster i / 1000 of every level.
ClusterTree make_tree(int64_t items) {
  ClusterTree tree;
  tree.item_traffic.assign(static_cast<size_t>(items), 1.0);
  const int64_t clusters = (items + kClusterItems - 1) / kClusterItems;
  for (int number = 1; number <= kTreeLevels; ++number) {
    TreeLevel& level = tree.levels[static_cast<size_t>(number - 1)];
    for (int64_t item = 0; item < items; ++item)
      level.assignment.push_back(static_cast<int32_t>(item / kClusterItems));
    level.traffic.assign(static_cast<size_t>(clusters), 0.0);
    for (const int32_t cluster : level.assignment) ++level.traffic[static_cast<size_t>(cluster)];
    for (int64_t cluster = 0; cluster < clusters; ++cluster) {
      level.parent.push_back(number == 1 ? -1 : static_cast<int32_t>(cluster));
      level.description.push_back(fmt::format("cluster {}", cluster));
    }
  }
  return tree;
}

EventLog make_events(int64_t items, int64_t users, int64_t length) {
  EventLog events;
  const int64_t clusters = items / kClusterItems;
  events.offset.push_back(0);
  for (int64_t user = 0; user < users; ++user) {
    Random random(1, static_cast<uint64_t>(user));
    const auto below = [&](int64_t count) {
      return static_cast<int64_t>(random.below(static_cast<uint64_t>(count)));
    };
    int64_t cluster = below(clusters);
    for (int64_t event = 0; event < length; ++event) {
      if (random.uniform() > kStays) cluster = below(clusters);
      // Log-uniform: the r-th is 1 / r as likely.
      const double rank = std::pow(static_cast<double>(kClusterItems), random.uniform()) - 1.0;
      events.item.push_back(static_cast<int32_t>(cluster * kClusterItems) +
                            static_cast<int32_t>(rank));
      events.time.push_back(event);
      events.reward.push_back(1.0f);
    }
    events.offset.push_back(static_cast<int64_t>(events.item.size()));
  }
  return events;
}

void run(int64_t items, int64_t users, int64_t length, int64_t epochs) {
  const ItemOrder order = make_item_order(make_tree(items));
  HeldOut data = leave_one_out(make_events(items, users, length));
  for (auto user = static_cast<size_t>(kValidationUsers); user < data.validation.size(); ++user)
    data.validation[user] = -1;
  RecommendOptions options;
  options.loss = "sampled_softmax";
  options.negatives = "log_uniform";
  options.negative_count = 1024;
  options.batch_size = 64;
  options.epochs = options.patience = epochs;
  const int64_t resident = resident_memory_bytes();
  double seconds = 0.0;
  TrainedModel trained = train_sequence_model(options, order, data, [&](const EpochReport& epoch) {
    seconds += epoch.seconds;
    fmt::print("{}\n", nlohmann::json{{"epoch", epoch.epoch},
                                      {"loss", epoch.loss},
                                      {"validation_ndcg_at_10", epoch.validation_ndcg_at_10},
                                      {"seconds", epoch.seconds}}
                           .dump());
    std::fflush(stdout);
  });
  const auto passes = static_cast<double>(trained.result.epochs);
  const double packing =
      seconds_of([&] { pack_rows(data, options.max_length, options.horizon, 1, 0); });
  const double validation =
      seconds_of([&] { model_ranking(trained.model, data, HeldOutEvent::kValidation); });
  const double training = seconds / passes - validation;
  const int64_t table = items * options.dimensions * static_cast<int64_t>(sizeof(float));
  fmt::print(
      "{}\n",
      nlohmann::json{
          {"items", items},
          {"events", data.events.item.size()},
          {"training_events_per_second", static_cast<double>(users * (length - 3)) / training},
          {"packing_share", packing / training},
          {"popularity_ndcg_at_10",
           ndcg_at(popularity_ranking(items, data, HeldOutEvent::kValidation).rank, 10)},
          {"table_mib", table >> 20},
          {"peak_mib_beyond_data", (peak_memory_bytes() - resident) >> 20}}
          .dump());
}

}  // namespace
}  // namespace serendip

int main(int argc, char** argv) {
  const auto argument = [&](int at, int64_t otherwise) {
    return argc > at ? std::atoll(argv[at]) : otherwise;
  };
  serendip::run(argument(1, 1'000'000), argument(2, 100'000), argument(3, 100), argument(4, 2));
}
