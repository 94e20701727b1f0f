// A model folder or checkpoint opened as a speaker of the interest language.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "infer/interest_language.h"
#include "infer/label_search.h"
#include "infer/label_trie.h"
#include "infer/model_options.h"
#include "lm/decoder.h"
#include "lm/tokenizer.h"

namespace serendip {

struct LanguageModel {
  Decoder decoder;
  std::unique_ptr<Tokenizer> tokenizer;
  InterestLanguage language;
  LabelTrie trie;  // label i is cluster i

  // Whose description the answer's text is, -1 for nobody's.
  int32_t label_of(const FreeAnswer& answer) const;
};

// `folder` is a model or an adapter over one. Descriptions: [M], of the planning level.
LanguageModel open_language_model(const ModelOptions& options, const std::filesystem::path& folder,
                                  const std::vector<std::string>& descriptions);

}  // namespace serendip
