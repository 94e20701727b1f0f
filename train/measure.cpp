#include "train/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/parallel_items.h"
#include "base/progress.h"
#include "base/random.h"
#include "distributed/device.h"
#include "infer/label_search.h"

namespace serendip {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();
constexpr size_t kContextsAtOnce = 64;      // of greedy decoding
constexpr size_t kFullContextsAtOnce = 16;  // when every label is scored

using Context = std::vector<int32_t>;

std::vector<LabelQuery> to_queries(const InterestLanguage& language,
                                   const std::vector<Context>& contexts) {
  std::vector<LabelQuery> queries;
  for (const Context& context : contexts) queries.push_back({language.prompt(context), context});
  return queries;
}

// Calls `visit` with slices of at most `size` contexts, each on one thread; sorted contexts share
// their prefixes.
void in_slices(const Decoder& decoder, const std::vector<Context>& contexts, size_t size,
               const char* title, const std::function<void(const std::vector<Context>&)>& visit) {
  Progress progress(title, static_cast<int64_t>(contexts.size()), "contexts");
  std::mutex mutex;
  const auto count = static_cast<int64_t>(contexts.size());
  const int64_t workers = parallel_workers(decoder.embed_tokens.device());
  const int64_t step = std::min(static_cast<int64_t>(size), (count + workers - 1) / workers);
  for_each_item(workers, count == 0 ? 0 : (count + step - 1) / step, [&](int64_t, int64_t slice) {
    throw_if_interrupted();
    const int64_t begin = slice * step, end = std::min(begin + step, count);
    visit({contexts.begin() + begin, contexts.begin() + end});
    const std::lock_guard lock(mutex);
    progress.advance(end - begin);
  });
}

std::vector<double> smoothed_popularity(const TransitionSet& set, int64_t cluster_count) {
  std::vector<double> share(static_cast<size_t>(cluster_count), 1);
  double total = static_cast<double>(cluster_count);
  for (size_t t = 0; t < set.label.size(); ++t) {
    share[static_cast<size_t>(set.label[t])] += static_cast<double>(set.count[t]);
    total += static_cast<double>(set.count[t]);
  }
  for (double& value : share) value /= total;
  return share;
}

}  // namespace

void normalise(std::vector<double>& log_prob, const int32_t* context, int64_t context_size) {
  double largest = kMinusInfinity, total = 0;
  for (int64_t i = 0; i < context_size; ++i)
    log_prob[static_cast<size_t>(context[i])] = kMinusInfinity;
  for (const double value : log_prob) largest = std::max(largest, value);
  for (const double value : log_prob) total += std::exp(value - largest);
  for (double& value : log_prob) value -= largest + std::log(total);
}

Transition transition_of(const TransitionSet& set, int64_t t) {
  return {{set.context_of(t), set.context_of(t) + set.context_size},
          set.label[static_cast<size_t>(t)]};
}

std::set<Transition> distinct_transitions(const TransitionSet& set) {
  std::set<Transition> distinct;
  for (int64_t t = 0; t < set.size(); ++t) distinct.insert(transition_of(set, t));
  return distinct;
}

std::vector<int32_t> sample_contexts(int64_t cluster_count, int64_t count,
                                     const TransitionSet& trained, uint64_t seed) {
  const auto size = static_cast<size_t>(trained.context_size);
  std::set<Context> used;
  for (int64_t t = 0; t < trained.size(); ++t)
    used.emplace(trained.context_of(t), trained.context_of(t) + size);
  SERENDIP_CHECK(std::pow(cluster_count, size) > static_cast<double>(used.size()),
                 "match rate: {} contexts of {} clusters leave none untrained", used.size(),
                 cluster_count);
  std::vector<int32_t> contexts;
  Random random(seed);
  while (static_cast<int64_t>(contexts.size()) < count * trained.context_size) {
    Context context(size);
    for (int32_t& cluster : context)
      cluster = static_cast<int32_t>(random.below(static_cast<uint64_t>(cluster_count)));
    if (!used.count(context)) contexts.insert(contexts.end(), context.begin(), context.end());
  }
  return contexts;
}

std::vector<int64_t> free_labels(const Decoder& decoder, const LanguageModel& model,
                                 const std::vector<int32_t>& flat) {
  const auto size = static_cast<size_t>(model.language.context_size());
  std::map<Context, int64_t> answers;  // sorted: neighbours share their prefixes
  for (size_t at = 0; at < flat.size(); at += size)
    answers[Context(flat.begin() + static_cast<int64_t>(at),
                    flat.begin() + static_cast<int64_t>(at + size))] = -1;
  std::vector<Context> contexts;
  for (const auto& [context, answer] : answers) contexts.push_back(context);
  in_slices(decoder, contexts, kContextsAtOnce, "match rate",
            [&](const std::vector<Context>& slice) {
              std::vector<std::vector<int32_t>> prompts;
              for (const Context& context : slice)
                prompts.push_back(model.language.prompt(context));
              const std::vector<FreeAnswer> found =
                  LabelSearch(decoder, model.trie, {SearchMode::kGreedy}).run_freely(prompts);
              for (size_t i = 0; i < slice.size(); ++i)
                answers.at(slice[i]) = model.label_of(found[i]);
            });
  std::vector<int64_t> labels;
  for (size_t at = 0; at < flat.size(); at += size)
    labels.push_back(answers.at(Context(flat.begin() + static_cast<int64_t>(at),
                                        flat.begin() + static_cast<int64_t>(at + size))));
  return labels;
}

double match_rate(const Decoder& decoder, const LanguageModel& model,
                  const std::vector<int32_t>& contexts) {
  const std::vector<int64_t> labels = free_labels(decoder, model, contexts);
  const auto unmatched = std::count(labels.begin(), labels.end(), -1);
  return 1 - static_cast<double>(unmatched) / static_cast<double>(labels.size());
}

TransitionScores score_transitions(const UserTransitions& transitions,
                                   const LabelDistributionOf& model) {
  TransitionScores scores;
  const auto size = static_cast<size_t>(transitions.context_size);
  for (size_t t = 0; t < transitions.label.size(); ++t) {
    const std::vector<double> log_prob = model(transitions.context.data() + t * size);
    const auto label = static_cast<size_t>(transitions.label[t]);
    // Ties share the places they take: a uniform model hits its expected share.
    int64_t ahead = 0, tied = 0;
    for (const double other : log_prob) {
      ahead += other > log_prob[label];
      tied += other == log_prob[label];
    }
    const auto hit = [&](int64_t k) {
      return std::clamp(static_cast<double>(k - ahead) / static_cast<double>(tied), 0.0, 1.0);
    };
    scores.hit_at_1.push_back(hit(1));
    scores.hit_at_5.push_back(hit(5));
    scores.hit_at_10.push_back(hit(10));
    scores.nll.push_back(-log_prob[label]);
  }
  return scores;
}

LabelDistributionOf language_distribution(const Decoder& decoder, const LanguageModel& model,
                                          const UserTransitions& transitions) {
  const auto size = static_cast<size_t>(transitions.context_size);
  std::set<Context> distinct;
  for (size_t t = 0; t < transitions.label.size(); ++t)
    distinct.emplace(transitions.context.begin() + static_cast<int64_t>(t * size),
                     transitions.context.begin() + static_cast<int64_t>((t + 1) * size));
  const std::vector<Context> contexts(distinct.begin(), distinct.end());
  const auto rows = std::make_shared<std::map<Context, std::vector<double>>>();
  for (const Context& context : contexts) rows->emplace(context, std::vector<double>());
  in_slices(decoder, contexts, kFullContextsAtOnce, "likelihood",
            [&](const std::vector<Context>& slice) {
              const auto results = search_labels(
                  decoder, model.trie, to_queries(model.language, slice), SearchMode::kFull, 0);
              for (size_t i = 0; i < slice.size(); ++i) {
                std::vector<double> log_prob(static_cast<size_t>(model.language.cluster_count()),
                                             kMinusInfinity);
                for (const LabelScore& score : results[i].best)
                  log_prob[static_cast<size_t>(score.label)] = score.log_prob;
                normalise(log_prob, slice[i].data(), static_cast<int64_t>(size));
                rows->at(slice[i]) = std::move(log_prob);
              }
            });
  return
      [rows, size](const int32_t* context) { return rows->at(Context(context, context + size)); };
}

LabelDistributionOf popularity_distribution(const TransitionSet& set, int64_t cluster_count) {
  std::vector<double> share = smoothed_popularity(set, cluster_count);
  return [share, size = set.context_size](const int32_t* context) {
    std::vector<double> log_prob;
    for (const double value : share) log_prob.push_back(std::log(value));
    normalise(log_prob, context, size);
    return log_prob;
  };
}

LabelDistributionOf markov_distribution(const TransitionSet& set, int64_t cluster_count) {
  const auto clusters = static_cast<size_t>(cluster_count);
  const auto count = std::make_shared<std::vector<double>>(clusters * clusters);
  const auto last = static_cast<size_t>(set.context_size - 1);
  for (int64_t t = 0; t < set.size(); ++t)
    (*count)[static_cast<size_t>(set.context_of(t)[last]) * clusters +
             static_cast<size_t>(set.label[static_cast<size_t>(t)])] +=
        static_cast<double>(set.count[static_cast<size_t>(t)]);
  std::vector<double> share = smoothed_popularity(set, cluster_count);
  return [share, count, clusters, size = set.context_size](const int32_t* context) {
    const double* row = count->data() + static_cast<size_t>(context[size - 1]) * clusters;
    std::vector<double> log_prob(clusters);
    for (size_t c = 0; c < clusters; ++c) log_prob[c] = std::log(row[c] + share[c]);
    normalise(log_prob, context, size);
    return log_prob;
  };
}

LabelDistributionOf backoff_distribution(const TransitionSet& set, int64_t cluster_count,
                                         double occurrences) {
  using Counts = std::map<Context, std::vector<std::pair<int32_t, double>>>;
  const auto counts = std::make_shared<Counts>();
  for (int64_t t = 0; t < set.size(); ++t)
    (*counts)[Context(set.context_of(t), set.context_of(t) + set.context_size)].emplace_back(
        set.label[static_cast<size_t>(t)], static_cast<double>(set.count[static_cast<size_t>(t)]));
  const LabelDistributionOf markov = markov_distribution(set, cluster_count);
  return [=, size = set.context_size](const int32_t* context) {
    std::vector<double> log_prob = markov(context);
    const auto found = counts->find(Context(context, context + size));
    if (found == counts->end()) return log_prob;
    std::vector<double> weight(log_prob.size());
    for (size_t c = 0; c < weight.size(); ++c) weight[c] = occurrences * std::exp(log_prob[c]);
    for (const auto& [label, count] : found->second) weight[static_cast<size_t>(label)] += count;
    for (size_t c = 0; c < weight.size(); ++c) log_prob[c] = std::log(weight[c]);
    normalise(log_prob, context, size);
    return log_prob;
  };
}

LabelDistributionOf uniform_distribution(int64_t cluster_count) {
  const TransitionSet empty;  // add-one smoothing of nothing
  return popularity_distribution(empty, cluster_count);
}

Estimate clustered_mean(const std::vector<double>& values, const std::vector<int32_t>& user) {
  const auto count = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += value / count;
  std::map<int32_t, double> deviation;
  for (size_t i = 0; i < values.size(); ++i) deviation[user[i]] += values[i] - mean;
  const auto users = static_cast<double>(deviation.size());
  double squares = 0;
  for (const auto& [id, sum] : deviation) squares += sum * sum;
  const double correction = users > 1 ? users / (users - 1) : 1;
  return {mean, std::sqrt(correction * squares) / count};
}

}  // namespace serendip
