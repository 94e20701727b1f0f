#include "tests/cli/small_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/file.h"
#include "base/random.h"

namespace serendip {
namespace {

constexpr int64_t kItemsPerTopic = 12, kUsers = 150, kVisits = 10, kEventsPerVisit = 4;

struct Topic {
  std::array<const char*, 4> words;
};

const std::vector<Topic>& topics() {
  static const std::vector<Topic> kTopics = {
      {{"ocean", "sail", "harbor", "whale"}},     {{"mountain", "climb", "summit", "rope"}},
      {{"kitchen", "bake", "bread", "flour"}},    {{"garden", "seed", "flower", "soil"}},
      {{"engine", "race", "wheel", "driver"}},    {{"guitar", "song", "chord", "stage"}},
      {{"planet", "rocket", "orbit", "star"}},    {{"castle", "knight", "sword", "dragon"}},
      {{"soccer", "goal", "stadium", "referee"}}, {{"paint", "canvas", "color", "brush"}},
      {{"robot", "circuit", "sensor", "code"}},   {{"horse", "saddle", "ranch", "meadow"}}};
  return kTopics;
}

std::string items_csv() {
  Random random(1);
  std::string text = "item,title,text\n";
  for (size_t topic = 0; topic < topics().size(); ++topic)
    for (int64_t i = 0; i < kItemsPerTopic; ++i) {
      const auto& words = topics()[topic].words;
      text += fmt::format("{}-{},The {} and the {},{} {} {}\n", topic, i, words[random.below(4)],
                          words[random.below(4)], words[0], words[random.below(4)],
                          words[random.below(4)]);
    }
  return text;
}

// A visit is a few events of one topic; the next visit is mostly to a neighbouring topic.
std::string events_csv() {
  std::string text = "user,item,time,rating\n";
  for (int64_t user = 0; user < kUsers; ++user) {
    Random random(2, static_cast<uint64_t>(user));
    uint64_t topic = random.below(topics().size());
    int64_t time = 1'000'000 + static_cast<int64_t>(random.below(100'000));
    for (int64_t visit = 0; visit < kVisits; ++visit) {
      for (int64_t event = 0; event < kEventsPerVisit; ++event)
        text += fmt::format("user{},{}-{},{},{}\n", user, topic, random.below(kItemsPerTopic),
                            time += 60, random.uniform() < 0.8 ? 5 : 2);
      topic =
          random.uniform() < 0.8 ? (topic + 1) % topics().size() : random.below(topics().size());
    }
  }
  return text;
}

constexpr const char* kRecipe = R"(run: {{folder: run, threads: 2}}
import:
  events: events.csv
  event_user: user
  event_item: item
  event_time: time
  event_reward: rating
  items: items.csv
  item_id: item
  item_title: title
  item_text: [text]
embed: {{dimensions: 32, co_consumption: 0.0, seed: 1}}
cluster:
  clusters_level_1: 3
  clusters: 8
  fan_out_level_3: 2
  fan_out_level_4: 2
  neighbors: 8
  keywords: 2
  seed: 1
curate: {{context_size: 2, novelty: history, positive_reward: 4, per_label: 10, seed: 1}}
model: {{path: "{}", dtype: float32, device: cpu}}
sft:
  mode: lora
  lora_rank: 4
  lora_alpha: 8
  steps: 6
  batch_size: 8
  learning_rate: 1.0e-3
  warmup_steps: 1
  seed: 1
eval:
  every: 2
  match_contexts: 8
  sample: 20
  final_match_contexts: 16
  final_transitions: 40
  patience: 5
generate: {{mode: exact, k: 3, batch: 8}}
recommend: {{dimensions: 16, layers: 1, heads: 2, max_length: 20, epochs: 2, batch_size: 32, seed: 1}}
)";

}  // namespace

void write_small_world(const std::filesystem::path& folder, const std::filesystem::path& model) {
  write_file(folder / "items.csv", items_csv());
  write_file(folder / "events.csv", events_csv());
  write_file(folder / "recipe.yaml", fmt::format(fmt::runtime(kRecipe), model.string()));
}

}  // namespace serendip
