// The topics of a world: everyday interests, named by WordNet's nouns.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace serendip {

struct Topic {
  std::string name;                // "ice hockey"; distinct
  std::string parent;              // the name of the next more general concept
  std::string gloss;               // its definition
  std::vector<std::string> words;  // the definition's, without stop words, each once
  std::vector<int32_t> path;       // synsets from the most general one to the topic's own
};

// The `count` best known concepts below a fixed list of everyday roots (sport, dish, plant, …),
// taken from the roots in turn. A concept qualifies where its first lemma has one or two words of
// lower-case letters, at most 5 senses, of which it is the first, and is no adjective; it is the
// better known, the more definitions mention it. The same for every seed. Throws Error where
// `folder` holds no WordNet or fewer such concepts than `count`.
std::vector<Topic> read_topics(const std::filesystem::path& folder, int64_t count);

}  // namespace serendip
