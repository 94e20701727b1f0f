// Is the LLM worth it? Its table combined with counts of real transitions, and each by itself.
//
// The blend is log-linear: p(label | context) ∝ p_llm^a · p_counts^b · popularity^c over the labels
// that are not in the context, with a, b and c of the greatest likelihood on the dev users. c may
// be negative, which spreads the labels. p_llm is the table's lower
// bound, to which a tuned model's probability is near, as it wastes little mass on other text;
// labels that the table does not list share what is left equally, and all of them where it does not
// list the context. p_counts backs off from the pair to its last cluster (backoff_distribution), by
// as many occurrences as are best on the dev users.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "infer/pair_table.h"
#include "train/measure.h"

namespace serendip {

// The table's closed-set distribution.
LabelDistributionOf table_distribution(const PairTable& table);

// Log-linear combination of distributions over the same labels.
LabelDistributionOf combined(std::vector<LabelDistributionOf> parts, std::vector<double> weight,
                             int64_t context_size);

// The weights of the greatest likelihood, by Newton's method; the likelihood is concave in them.
std::vector<double> fit_weights(const std::vector<LabelDistributionOf>& parts,
                                const UserTransitions& transitions);

// Reads table.h5 and transitions.h5 of a run folder and writes `target`, the blended table with as
// many labels a context. Returns {"occurrences", "weights": {"llm", "counts", "popularity"},
// "test": {"all": [comparison rows of counts, llm, blend, popularity], "unseen": […], of
// transitions that no training user made}, "differences": {"nll_counts_minus_blend": {"mean",
// "se"}, …}}.
nlohmann::json blend_table(const std::filesystem::path& run_folder,
                           const std::filesystem::path& target);

}  // namespace serendip
