// Ranking of documents by the words of a query: BM25 (Robertson and Zaragoza 2009, section 3.3).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace serendip {

struct Bm25Options {
  double saturation = 1.2;  // k1: how soon repetitions of a word stop counting
  double length = 0.75;     // b: how far long documents are held back, 0 to 1
};

class Bm25Index {
 public:
  // [N] each document's words, repeated where the text repeats them.
  explicit Bm25Index(const std::vector<std::vector<std::string>>& documents,
                     const Bm25Options& options = {});

  // [N] the sum over the query's words w of
  //   idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length)),
  //   idf(w) = log(1 + (N - n + 0.5) / (n + 0.5)), n the documents with w (never negative);
  // a word that the query repeats counts as often. 0 for documents with none of the words.
  std::vector<float> scores(const std::vector<std::string>& query) const;

 private:
  struct Posting {
    int64_t document;
    double weight;  // what the word adds to the document's score
  };
  std::unordered_map<std::string, std::vector<Posting>> postings_;
  int64_t document_count_;
};

}  // namespace serendip
