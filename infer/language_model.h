// A model folder or checkpoint opened as a speaker of the interest language.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "infer/interest_language.h"
#include "infer/label_trie.h"
#include "lm/decoder.h"
#include "lm/tokenizer.h"

namespace serendip {

// Section "model".
struct ModelOptions {
  std::string path;
  std::string prompt_template =
      "A viewer's interests, each a list of keywords. After two known interests comes a new one.\n"
      "{1}\n{2}\n";
  std::string dtype = "float32", device = "cpu";
  void declare(OptionSet& set);
};

struct LanguageModel {
  Decoder decoder;
  std::unique_ptr<Tokenizer> tokenizer;
  InterestLanguage language;
  LabelTrie trie;  // label i is cluster i
};

// `folder` is a model or an adapter over one. Descriptions: [M], of the planning level.
LanguageModel open_language_model(const ModelOptions& options, const std::filesystem::path& folder,
                                  const std::vector<std::string>& descriptions);

}  // namespace serendip
