#include "lm/pre_tokenizer.h"

#include <cctype>

#include "base/check.h"

namespace serendip {
namespace {

using nlohmann::json;

// GPT-2's: contractions, then letters, numbers and other signs each with one space in front, then
// spaces.
constexpr const char* kByteLevelExpression =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

std::string quote(const std::string& text) {
  std::string expression;
  for (const char c : text) {
    if (std::ispunct(static_cast<unsigned char>(c))) expression += '\\';
    expression += c;
  }
  return expression;
}

// A Sequence's parts, or the one part itself.
std::vector<json> parts_of(const json& description) {
  if (description.value("type", "") != "Sequence") return {description};
  return description.at("pretokenizers").get<std::vector<json>>();
}

std::string split_expression(const json& split, const std::string& where) {
  const auto behavior = split.at("behavior").get<std::string>();
  SERENDIP_CHECK(behavior == "Isolated",
                 "{}: pre_tokenizer Split: behavior '{}' is not supported (supported: Isolated)",
                 where, behavior);
  const json& pattern = split.at("pattern");
  return pattern.contains("Regex") ? pattern.at("Regex").get<std::string>()
                                   : quote(pattern.at("String").get<std::string>());
}

}  // namespace

bool is_byte_level(const json& pre_tokenizer) {
  if (!pre_tokenizer.is_object()) return false;
  const std::vector<json> parts = parts_of(pre_tokenizer);
  return !parts.empty() && parts.back().value("type", "") == "ByteLevel";
}

PreTokenizer::PreTokenizer(const json& description, const std::string& where) {
  const std::vector<json> parts = parts_of(description);
  for (size_t i = 0; i < parts.size(); ++i) add_step(parts[i], i + 1 == parts.size(), where);
}

void PreTokenizer::add_step(const json& description, bool last, const std::string& where) {
  const auto type = description.at("type").get<std::string>();
  if (type == "Split" && !last) {
    steps_.emplace_back(RegexSplitter(split_expression(description, where), where));
  } else if (type == "Digits" && !last) {
    const bool individual = description.value("individual_digits", false);
    steps_.emplace_back(RegexSplitter(individual ? "\\p{N}" : "\\p{N}+", where));
  } else if (type == "ByteLevel" && last) {
    if (description.value("add_prefix_space", true)) steps_.emplace_back();
    if (description.value("use_regex", true)) {
      steps_.emplace_back(RegexSplitter(kByteLevelExpression, where));
    }
  } else {
    fail(
        "{}: pre_tokenizer: '{}' at this place is not supported (supported: Split and Digits, then "
        "ByteLevel)",
        where, type);
  }
}

void PreTokenizer::run(size_t step, std::string_view piece,
                       const RegexSplitter::PieceSink& sink) const {
  if (step == steps_.size()) {
    sink(piece);
  } else if (steps_[step]) {
    steps_[step]->split(piece, [&](std::string_view part) { run(step + 1, part, sink); });
  } else if (piece.starts_with(' ')) {
    run(step + 1, piece, sink);
  } else {
    run(step + 1, " " + std::string(piece), sink);
  }
}

}  // namespace serendip
