#include "recsys/bm25.h"

#include <algorithm>
#include <cmath>

namespace serendip {

Bm25Index::Bm25Index(const std::vector<std::vector<std::string>>& documents,
                     const Bm25Options& options)
    : document_count_(static_cast<int64_t>(documents.size())) {
  double words = 0.0;
  for (size_t document = 0; document < documents.size(); ++document) {
    words += static_cast<double>(documents[document].size());
    for (const std::string& word : documents[document]) {
      std::vector<Posting>& list = postings_[word];
      if (list.empty() || list.back().document != static_cast<int64_t>(document))
        list.push_back({static_cast<int64_t>(document), 0.0});
      ++list.back().weight;  // the word's frequency, until all documents are read
    }
  }
  const auto count = static_cast<double>(documents.size());
  const double mean_length = words / std::max(count, 1.0);
  for (auto& [word, list] : postings_) {
    const auto holding = static_cast<double>(list.size());
    const double rarity = std::log1p((count - holding + 0.5) / (holding + 0.5));
    for (Posting& posting : list) {
      const auto length =
          static_cast<double>(documents[static_cast<size_t>(posting.document)].size());
      const double norm = 1.0 - options.length + options.length * length / mean_length;
      const double frequency = posting.weight;
      posting.weight =
          rarity * frequency * (options.saturation + 1.0) / (frequency + options.saturation * norm);
    }
  }
}

std::vector<float> Bm25Index::scores(const std::vector<std::string>& query) const {
  std::vector<double> sum(static_cast<size_t>(document_count_));
  for (const std::string& word : query) {
    const auto found = postings_.find(word);
    if (found == postings_.end()) continue;
    for (const Posting& posting : found->second)
      sum[static_cast<size_t>(posting.document)] += posting.weight;
  }
  return {sum.begin(), sum.end()};
}

}  // namespace serendip
