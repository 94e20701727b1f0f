#include "infer/score.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "infer/interest_language.h"
#include "infer/label_search.h"
#include "lm/lora.h"
#include "lm/model_io.h"
#include "lm/tokenizer.h"

namespace serendip {
namespace {

// Bounds the keys and values that one group of prompts keeps.
constexpr int64_t kNodesAtOnce = 8192;

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::ifstream in(path);
  SERENDIP_CHECK(in.good(), "{}: cannot open", path.string());
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::vector<int32_t>> read_prompts(const std::filesystem::path& path,
                                               const Tokenizer& tokenizer) {
  std::vector<std::vector<int32_t>> prompts;
  const std::vector<std::string> lines = read_lines(path);
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const auto json = nlohmann::json::parse(lines[i], nullptr, false);
    SERENDIP_CHECK(json.is_object() && json.contains("prompt") && json["prompt"].is_string(),
                   "{}:{}: expected {{\"prompt\": \"…\"}}", path.string(), i + 1);
    std::vector<int32_t> ids = tokenizer.prefix_ids;
    const std::vector<int32_t> text = tokenizer.encode(json["prompt"].get<std::string>());
    ids.insert(ids.end(), text.begin(), text.end());
    SERENDIP_CHECK(!ids.empty(), "{}:{}: the prompt has no tokens", path.string(), i + 1);
    prompts.push_back(std::move(ids));
  }
  return prompts;
}

nlohmann::json to_json(size_t prompt, const LabelSearchResult& result,
                       const ScoreOptions& options) {
  nlohmann::json line = {{"prompt", prompt}};
  std::vector<double> log_prob(result.best.size());
  for (const LabelScore& label : result.best)
    log_prob[static_cast<size_t>(label.label)] = label.log_prob;
  line["log_prob"] = log_prob;
  if (options.top_k == 0) return line;
  line["top"] = nlohmann::json::array();
  for (size_t i = 0; i < result.best.size() && i < static_cast<size_t>(options.top_k); ++i) {
    const LabelScore& label = result.best[i];
    line["top"].push_back({{"label", label.label},
                           {"log_prob", label.log_prob},
                           {"probability", std::exp(label.log_prob - result.log_z_low)},
                           {"low", result.probability_low(label.log_prob)},
                           {"high", result.probability_high(label.log_prob)}});
  }
  return line;
}

}  // namespace

void score(const ScoreOptions& options, std::ostream& out) {
  const Decoder decoder = merge_lora(load_decoder(options.model));
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(base_model_folder(options.model));
  std::vector<std::vector<int32_t>> labels;
  for (const std::string& label : read_lines(options.labels))
    labels.push_back(tokenizer->encode(label));
  SERENDIP_CHECK(!labels.empty(), "{}: expected a label a line, got an empty file",
                 options.labels.string());
  const int64_t terminator =
      options.terminator >= 0 ? options.terminator : end_of_sequence(decoder.config);
  SERENDIP_CHECK(terminator < decoder.config.vocab_size,
                 "--terminator: expected a token id below {}, got {}", decoder.config.vocab_size,
                 terminator);
  const LabelTrie trie(labels, static_cast<int32_t>(terminator));
  const std::vector<std::vector<int32_t>> prompts = read_prompts(options.prompts, *tokenizer);
  Progress progress("score", static_cast<int64_t>(prompts.size()), "prompts");
  for (size_t begin = 0; begin < prompts.size();) {
    throw_if_interrupted();
    std::vector<LabelQuery> queries;
    int64_t nodes = 0;
    size_t end = begin;
    for (; end < prompts.size() && (end == begin || nodes < kNodesAtOnce); ++end) {
      nodes += static_cast<int64_t>(prompts[end].size()) + trie.node_count();
      queries.push_back({prompts[end], {}});
    }
    const auto results = search_labels(decoder, trie, queries, SearchMode::kFull, 0);
    for (size_t i = 0; i < results.size(); ++i)
      out << to_json(begin + i, results[i], options).dump() << '\n';
    progress.advance(static_cast<int64_t>(end - begin));
    begin = end;
  }
}

}  // namespace serendip
