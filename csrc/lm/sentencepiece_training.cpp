#include "lm/sentencepiece_training.h"

#include <sentencepiece_trainer.h>

#include <set>
#include <unordered_map>

#include "base/check.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

constexpr int64_t kSpecialPieces = 3, kBytePieces = 256;

class LineIterator : public sentencepiece::SentenceIterator {
 public:
  explicit LineIterator(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return at_ == lines_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return lines_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  size_t at_ = 0;
};

// Distinct ones, a space among them.
int64_t count_characters(const std::vector<std::string>& lines) {
  std::set<char32_t> characters = {U' '};
  for (const std::string& line : lines)
    for (size_t position = 0; position < line.size();)
      characters.insert(next_code_point(line, position));
  return static_cast<int64_t>(characters.size());
}

}  // namespace

std::string train_sentencepiece(const std::vector<std::string>& lines, int64_t pieces) {
  const int64_t characters = count_characters(lines);
  SERENDIP_CHECK(pieces >= kSpecialPieces + kBytePieces + characters,
                 "vocabulary: expected at least {} pieces ({} special, {} bytes, {} characters of "
                 "the text), got {}",
                 kSpecialPieces + kBytePieces + characters, kSpecialPieces, kBytePieces, characters,
                 pieces);
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", "bpe"},
      {"vocab_size", std::to_string(pieces)},
      {"hard_vocab_limit", "false"},
      {"byte_fallback", "true"},
      {"character_coverage", "1.0"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"max_sentence_length", std::to_string(1 << 30)},  // longer lines would be left out
      {"num_threads", "1"},
      {"minloglevel", "2"}};
  LineIterator iterator(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &iterator, &model);
  SERENDIP_CHECK(status.ok(), "vocabulary: sentencepiece: {}", status.ToString());
  return model;
}

}  // namespace serendip
