#include "train/training_samples.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "base/log.h"
#include "base/random.h"

namespace serendip {

std::vector<Sample> samples_of_step(const std::vector<Sample>& all, uint64_t seed, int64_t step,
                                    int64_t count) {
  const auto size = static_cast<int64_t>(all.size());
  std::vector<Sample> chosen;
  std::vector<int64_t> order(all.size());
  int64_t shuffled_epoch = -1;
  for (int64_t i = step * count; i < (step + 1) * count; ++i) {
    const int64_t epoch = i / size;
    if (epoch != shuffled_epoch) {
      std::iota(order.begin(), order.end(), int64_t{0});
      Random random(seed, static_cast<uint64_t>(epoch));
      random.shuffle(order);
      shuffled_epoch = epoch;
    }
    chosen.push_back(all[static_cast<size_t>(order[static_cast<size_t>(i % size)])]);
  }
  std::sort(chosen.begin(), chosen.end(), [](const Sample& a, const Sample& b) {
    return std::tie(a.prompt, a.labels) < std::tie(b.prompt, b.labels);
  });
  return chosen;
}

TrainingSamples::TrainingSamples(const InterestLanguage& language, const TransitionSet& set,
                                 int64_t max_tokens, bool skip_long, uint64_t seed,
                                 const std::string& where)
    : seed_(seed) {
  SERENDIP_CHECK(language.context_size() == set.context_size || set.size() == 0,
                 "model.template: expected {} places for contexts of {}, got {}", set.context_size,
                 set.context_size, language.context_size());
  const auto check = [&](const char* what, int32_t cluster, int64_t t) {
    SERENDIP_CHECK(cluster >= 0 && cluster < language.cluster_count(),
                   "{}: transition {}: {}: expected a cluster from 0 to {}, got {}", where, t, what,
                   language.cluster_count() - 1, cluster);
  };
  std::string first_long;
  for (int64_t t = 0; t < set.size(); ++t) {
    const std::span context(set.context_of(t), static_cast<size_t>(set.context_size));
    const int32_t label = set.label[static_cast<size_t>(t)];
    for (const int32_t cluster : context) check("context", cluster, t);
    check("label", label, t);
    Sample sample{language.prompt(context), language.description_ids[static_cast<size_t>(label)]};
    sample.labels.push_back(language.terminator);
    const auto tokens = static_cast<int64_t>(sample.prompt.size() + sample.labels.size());
    if (max_tokens > 0 && tokens > max_tokens) {
      if (skipped_++ == 0)
        first_long = fmt::format("transition {} ([{}] -> {}) has {}", t, fmt::join(context, ", "),
                                 label, tokens);
      continue;
    }
    samples_.insert(samples_.end(), static_cast<size_t>(set.count[static_cast<size_t>(t)]), sample);
  }
  SERENDIP_CHECK(skip_long || skipped_ == 0,
                 "{}: {} samples are longer than the model's {} tokens; {} "
                 "(sft.too_long=skip leaves them out)",
                 where, skipped_, max_tokens, first_long);
  if (skipped_ > 0)
    spdlog::warn("sft: {} samples longer than {} tokens are left out; {}", skipped_, max_tokens,
                 first_long);
  SERENDIP_CHECK(!samples_.empty(), "{}: no samples to fine-tune on", where);
}

std::vector<std::vector<Sample>> own_passes(const std::vector<Sample>& samples, int64_t rank,
                                            int64_t world_size, int64_t micro_batch_size) {
  const auto count = static_cast<int64_t>(samples.size());
  const int64_t begin = count * rank / world_size, end = count * (rank + 1) / world_size;
  const int64_t size = micro_batch_size > 0 ? micro_batch_size : std::max<int64_t>(1, end - begin);
  std::vector<std::vector<Sample>> passes;
  for (int64_t at = begin; at < end; at += size)
    passes.emplace_back(samples.begin() + at, samples.begin() + std::min(at + size, end));
  return passes;
}

}  // namespace serendip
