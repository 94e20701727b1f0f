#include "infer/interest_language.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace serendip {
namespace {

std::vector<std::vector<int32_t>> split_template(const Tokenizer& tokenizer,
                                                 const std::string& text) {
  std::vector<std::vector<int32_t>> pieces;
  size_t begin = 0;
  for (int place = 1;; ++place) {
    const std::string name = fmt::format("{{{}}}", place);
    const size_t found = text.find(name, begin);
    if (found == std::string::npos) break;
    pieces.push_back(tokenizer.encode(text.substr(begin, found - begin)));
    begin = found + name.size();
  }
  for (size_t place = 1; place < 10; ++place) {
    const std::string name = fmt::format("{{{}}}", place);
    const size_t found = text.find(name);
    const bool once = found != std::string::npos && found == text.rfind(name);
    SERENDIP_CHECK(
        place <= pieces.size() ? once : found == std::string::npos && !pieces.empty(),
        "model.template: expected the places {{1}}, {{2}}, … each once and in order, got "
        "\"{}\"",
        text);
  }
  pieces.push_back(tokenizer.encode(text.substr(begin)));
  std::vector<int32_t>& first = pieces.front();
  first.insert(first.begin(), tokenizer.prefix_ids.begin(), tokenizer.prefix_ids.end());
  return pieces;
}

void check_descriptions(const Tokenizer& tokenizer, const InterestLanguage& language) {
  std::map<std::string, size_t> texts;
  std::map<std::vector<int32_t>, size_t> sequences;
  for (size_t i = 0; i < language.descriptions.size(); ++i) {
    const std::string& text = language.descriptions[i];
    const std::vector<int32_t>& ids = language.description_ids[i];
    const auto [same_text, new_text] = texts.emplace(text, i);
    SERENDIP_CHECK(new_text, "clusters {} and {} have the same description \"{}\"",
                   same_text->second, i, text);
    const auto [same_ids, new_ids] = sequences.emplace(ids, i);
    SERENDIP_CHECK(new_ids, "descriptions \"{}\" and \"{}\" have the same token ids",
                   language.descriptions[same_ids->second], text);
    SERENDIP_CHECK(tokenizer.decode(ids) == text,
                   "description \"{}\" of cluster {} decodes to \"{}\"", text, i,
                   tokenizer.decode(ids));
    SERENDIP_CHECK(std::find(ids.begin(), ids.end(), language.terminator) == ids.end(),
                   "description \"{}\" of cluster {} contains the terminator {}", text, i,
                   language.terminator);
  }
}

}  // namespace

std::vector<int32_t> InterestLanguage::prompt(std::span<const int32_t> context) const {
  std::vector<int32_t> ids = template_pieces[0];
  for (size_t i = 0; i < context.size(); ++i) {
    const std::vector<int32_t>& description = description_ids[static_cast<size_t>(context[i])];
    ids.insert(ids.end(), description.begin(), description.end());
    ids.insert(ids.end(), template_pieces[i + 1].begin(), template_pieces[i + 1].end());
  }
  return ids;
}

int32_t end_of_sequence(const ModelConfig& config) {
  SERENDIP_CHECK(!config.eos_token_id.empty(), "config.json: no eos_token_id to end a label with");
  return static_cast<int32_t>(config.eos_token_id.front());
}

InterestLanguage make_interest_language(const Tokenizer& tokenizer, const ModelConfig& config,
                                        const std::string& prompt_template,
                                        const std::vector<std::string>& descriptions) {
  InterestLanguage language;
  language.template_pieces = split_template(tokenizer, prompt_template);
  language.descriptions = descriptions;
  for (const std::string& text : descriptions)
    language.description_ids.push_back(tokenizer.encode(text));
  for (const std::string& text : descriptions)
    language.label_of.emplace(text, static_cast<int32_t>(language.label_of.size()));
  language.terminator = end_of_sequence(config);
  check_descriptions(tokenizer, language);
  return language;
}

}  // namespace serendip
