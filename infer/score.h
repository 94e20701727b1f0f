// `serendip score`: log-probabilities of labels after prompts, for any model folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <ostream>

namespace serendip {

struct ScoreOptions {
  std::filesystem::path model, prompts, labels;
  int64_t terminator = -1;  // token id; -1: the model's end-of-sequence token
  int64_t top_k = 0;        // also the best k, with probabilities over the labels given
};

// Prompts: JSONL of {"prompt": text}; labels: one a line. Writes a line a prompt, in order:
//   {"prompt": 0, "log_prob": [one a label, in file order],
//    "top": [{"label": i, "log_prob": x, "probability": p, "low": a, "high": b}]}   (top_k > 0)
// A prompt gets the special tokens that its tokenizer puts in front; prompt and label are tokenised
// apart and joined as ids; a score sums the full-vocabulary log-softmax of the label's tokens and the
// terminator. Throws Error naming file and line for input that does not fit.
void score(const ScoreOptions& options, std::ostream& out);

}  // namespace serendip
