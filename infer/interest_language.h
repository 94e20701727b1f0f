// The language that the LLM speaks: a prompt of cluster descriptions, answered by one description.
//
// Template text, every description and the terminator are tokenised once, apart, and joined as ids,
// the same way in training, evaluation and generation.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "lm/config.h"
#include "lm/tokenizer.h"

namespace serendip {

struct InterestLanguage {
  std::vector<std::vector<int32_t>> template_pieces;  // [K + 1]: before {1}, between, after {K}
  std::vector<std::string> descriptions;              // [M]
  std::vector<std::vector<int32_t>> description_ids;  // [M]
  std::unordered_map<std::string, int32_t> label_of;  // a description's label
  int32_t terminator = -1;

  int64_t context_size() const { return static_cast<int64_t>(template_pieces.size()) - 1; }
  int64_t cluster_count() const { return static_cast<int64_t>(descriptions.size()); }
  // The template around the descriptions of `context` ([K] clusters, oldest first). Of fewer than
  // K, what every prompt begins with whose context begins so.
  std::vector<int32_t> prompt(std::span<const int32_t> context) const;
};

// `prompt_template` names each place once and in order: "{1}" … "{K}", which fixes K. Throws Error
// when it does not, and for a description that does not decode to itself, equals another one as
// text or as ids (both named), or contains the terminator.
InterestLanguage make_interest_language(const Tokenizer& tokenizer, const ModelConfig& config,
                                        const std::string& prompt_template,
                                        const std::vector<std::string>& descriptions);

// The first end-of-sequence token of the model; throws Error when it names none.
int32_t end_of_sequence(const ModelConfig& config);

}  // namespace serendip
