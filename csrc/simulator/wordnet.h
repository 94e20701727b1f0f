// The nouns of WordNet, from its plain database files (format: wndb(5WN)).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace serendip {

// A concept: words of one meaning.
struct Synset {
  std::vector<std::string> lemmas;  // as spelt there; '_' joins the words of one
  std::string gloss;                // the definition, without examples
  int32_t hypernym = -1;            // the first more general concept; -1 has none
};

struct Nouns {
  std::vector<Synset> synsets;                 // S, in the file's order
  std::vector<std::vector<int32_t>> hyponyms;  // [S] those whose hypernym it is
  // The synsets of a lower-cased lemma, the most frequent sense first.
  std::unordered_map<std::string, std::vector<int32_t>> senses;

  // Synsets from the most general one down to `synset`.
  std::vector<int32_t> path_to(int32_t synset) const;
};

// Reads data.noun and index.noun of `folder`. Throws Error naming file and line where one is
// missing, malformed or names a synset that is not there.
Nouns read_nouns(const std::filesystem::path& folder);

// The lemmas of an index file, as index.adj.
std::unordered_set<std::string> read_lemmas(const std::filesystem::path& index);

}  // namespace serendip
