#include "simulator/world_files.h"

#include <algorithm>
#include <chrono>

#include "base/hdf5_file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "simulator/incumbent.h"
#include "simulator/world_tables.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr int64_t kUsersAtOnce = 4096, kItemsAtOnce = 65536, kVectorsAtOnce = 4096;

// Calls `use(begin, end)` for consecutive ranges of [0, total).
template <typename Use>
void in_blocks(int64_t total, int64_t block, const char* unit, const Use& use) {
  Progress progress("world", total, unit);
  for (int64_t begin = 0; begin < total; begin += block) {
    const int64_t end = std::min(begin + block, total);
    use(begin, end);
    progress.advance(end - begin);
    throw_if_interrupted();
  }
}

std::vector<Interaction> life_of(const World& world, int64_t user, const ItemChoice& policy) {
  std::vector<Interaction> events;
  UserState state = new_user(world, user);
  for (int32_t day = 0; day < world.options.days; ++day)
    live_one_day(world, state, day, policy,
                 [&](const Interaction& interaction) { events.push_back(interaction); });
  return events;
}

void count(const std::vector<Interaction>& events, LogCounts& counts) {
  counts.events += static_cast<int64_t>(events.size());
  counts.active_users += !events.empty();
  for (const Interaction& event : events) {
    counts.liked += event.liked;
    counts.own_choices += event.own_choice;
  }
}

template <typename Of>
std::vector<std::string> texts(const std::vector<Topic>& topics, const Of& of) {
  std::vector<std::string> texts;
  for (const Topic& topic : topics) texts.push_back(of(topic));
  return texts;
}

void write_topics(const World& world, Hdf5File& file) {
  file.write_strings("/topics/name", texts(world.topics, [](const Topic& it) { return it.name; }));
  file.write_strings("/topics/parent",
                     texts(world.topics, [](const Topic& it) { return it.parent; }));
  file.write_strings("/topics/gloss",
                     texts(world.topics, [](const Topic& it) { return it.gloss; }));
  file.write("/topics/popularity", world.popularity);
  std::vector<int32_t> topic, hidden, walked;
  std::vector<float> weight;
  for (const RelatedTopic& link : world.related.links()) {
    topic.push_back(link.topic);
    weight.push_back(link.weight);
    hidden.push_back(link.hidden);
    walked.push_back(link.walked);
  }
  file.write("/related/offset", world.related.offsets());
  file.write("/related/topic", topic);
  file.write("/related/weight", weight);
  file.write("/related/hidden", hidden);
  file.write("/related/walked", walked);
}

void write_users(const World& world, Hdf5File& file) {
  file.create_growable<int32_t>("/users/topic");
  file.create_growable<float>("/users/affinity");
  std::vector<int64_t> offset = {0};
  std::vector<int32_t> known;
  std::vector<double> activity;
  std::vector<Taste> tastes(kUsersAtOnce);
  in_blocks(world.options.users, kUsersAtOnce, "tastes", [&](int64_t begin, int64_t end) {
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t user = begin; user < end; ++user)
      tastes[static_cast<size_t>(user - begin)] = draw_taste(world, user);
    std::vector<int32_t> topic;
    std::vector<float> affinity;
    for (int64_t user = begin; user < end; ++user) {
      const Taste& taste = tastes[static_cast<size_t>(user - begin)];
      topic.insert(topic.end(), taste.topic.begin(), taste.topic.end());
      affinity.insert(affinity.end(), taste.affinity.begin(), taste.affinity.end());
      offset.push_back(offset.back() + static_cast<int64_t>(taste.topic.size()));
      known.push_back(static_cast<int32_t>(taste.known));
      activity.push_back(taste.activity);
    }
    file.append<int32_t>("/users/topic", topic);
    file.append<float>("/users/affinity", affinity);
  });
  file.write("/users/offset", offset);
  file.write("/users/known", known);
  file.write("/users/activity", activity);
}

}  // namespace

LogCounts write_log(const World& world, const fs::path& path) {
  using Clock = std::chrono::steady_clock;
  const Incumbent incumbent(world);
  EventTable table(path);
  LogCounts counts;
  std::vector<std::vector<Interaction>> lives(kUsersAtOnce);
  std::vector<Interaction> events;
  in_blocks(world.options.users, kUsersAtOnce, "users", [&](int64_t begin, int64_t end) {
    const Clock::time_point start = Clock::now();
#pragma omp parallel for schedule(dynamic, 16)
    for (int64_t user = begin; user < end; ++user)
      lives[static_cast<size_t>(user - begin)] = life_of(world, user, incumbent);
    counts.seconds += std::chrono::duration<double>(Clock::now() - start).count();
    events.clear();
    for (int64_t i = 0; i < end - begin; ++i) {
      const std::vector<Interaction>& life = lives[static_cast<size_t>(i)];
      count(life, counts);
      events.insert(events.end(), life.begin(), life.end());
    }
    table.append(events);
  });
  table.close();
  return counts;
}

void write_items(const World& world, const fs::path& path) {
  ItemTable table(path);
  std::vector<WorldItemText> items;
  in_blocks(world.options.items, kItemsAtOnce, "items", [&](int64_t begin, int64_t end) {
    items.resize(static_cast<size_t>(end - begin));
#pragma omp parallel for
    for (int64_t item = begin; item < end; ++item)
      items[static_cast<size_t>(item - begin)] = item_text(world, static_cast<int32_t>(item));
    table.append(items);
  });
  table.close();
}

void write_vectors(const World& world, const fs::path& path) {
  const WorldItemVectors vectors(world);
  const auto dimensions = static_cast<size_t>(world.options.dimensions);
  NpyTable table(path, world.options.items, world.options.dimensions);
  std::vector<float> values;
  in_blocks(world.options.items, kVectorsAtOnce, "vectors", [&](int64_t begin, int64_t end) {
    values.resize(static_cast<size_t>(end - begin) * dimensions);
#pragma omp parallel for
    for (int64_t item = begin; item < end; ++item)
      vectors.fill(
          static_cast<int32_t>(item),
          std::span(values).subspan(static_cast<size_t>(item - begin) * dimensions, dimensions));
    table.append(values);
  });
  table.close();
}

void write_truth(const World& world, const fs::path& path) {
  Hdf5File file = Hdf5File::create(path);
  file.write_attribute("seed", std::to_string(world.options.seed));
  write_topics(world, file);
  file.write("/items/topic", world.items.topics());
  file.write("/items/quality", world.items.qualities());
  write_users(world, file);
  file.close();
}

}  // namespace serendip
