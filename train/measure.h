// How well a model speaks the interest language: match rate, recall, likelihood.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "infer/language_model.h"
#include "transitions/transitions.h"

namespace serendip {

using Transition = std::pair<std::vector<int32_t>, int32_t>;  // context, label
Transition transition_of(const TransitionSet& set, int64_t t);
std::set<Transition> distinct_transitions(const TransitionSet& set);

// `count` contexts ([count, K]) drawn uniformly from all M^K, none of those in `trained` among
// them.
std::vector<int32_t> sample_contexts(int64_t cluster_count, int64_t count,
                                     const TransitionSet& trained, uint64_t seed);

// What free-running greedy output, decoded, equals for each context ([n, K]): a label, or -1 for no
// description.
std::vector<int64_t> free_labels(const Decoder& decoder, const LanguageModel& model,
                                 const std::vector<int32_t>& contexts);

// Share of contexts ([n, K]) for which that is a description.
double match_rate(const Decoder& decoder, const LanguageModel& model,
                  const std::vector<int32_t>& contexts);

// log p(label) over the closed set for a context of K clusters, [M]; -inf for labels in the
// context.
using LabelDistributionOf = std::function<std::vector<double>(const int32_t* context)>;

// What a model makes of transitions, one entry a transition.
struct TransitionScores {
  std::vector<double> hit_at_1, hit_at_5, hit_at_10, nll;  // hits 0 or 1; nll in nats
};
TransitionScores score_transitions(const UserTransitions& transitions,
                                   const LabelDistributionOf& model);

// The LLM's own distributions for every distinct context among the transitions, all labels scored.
LabelDistributionOf language_distribution(const Decoder& decoder, const LanguageModel& model,
                                          const UserTransitions& transitions);
// Label counts, add-one smoothed.
LabelDistributionOf popularity_distribution(const TransitionSet& set, int64_t cluster_count);
// First-order Markov: counts of (last cluster, label), smoothed towards popularity by one
// occurrence.
LabelDistributionOf markov_distribution(const TransitionSet& set, int64_t cluster_count);
LabelDistributionOf uniform_distribution(int64_t cluster_count);
// Counts of (context, label), smoothed by `occurrences` of the Markov distribution.
LabelDistributionOf backoff_distribution(const TransitionSet& set, int64_t cluster_count,
                                         double occurrences);

// Log-probabilities of labels in the context become -inf, the others sum to one.
void normalise(std::vector<double>& log_prob, const int32_t* context, int64_t context_size);

// A mean and its standard error with transitions clustered by user.
struct Estimate {
  double mean, standard_error;
};
Estimate clustered_mean(const std::vector<double>& values, const std::vector<int32_t>& user);

}  // namespace serendip
