#include "simulator/options.h"

namespace serendip {

void WorldOptions::declare(OptionSet& set) {
  set.add("users", users, "who live in the world", at_least(int64_t{1}));
  set.add("items", items, "to watch, at least one a topic",
          within(int64_t{1}, (int64_t{1} << 31) - 1));
  set.add("topics", topics, "hidden topics, each a concept of WordNet", at_least(int64_t{2}));
  set.add("days", days, "that the log covers", within(int64_t{1}, int64_t{10'000}));
  set.add("interests", interests, "topics that a user likes, on average", at_least(int64_t{1}));
  set.add("known_interests", known_interests, "of them, those known to the user on the first day",
          at_least(int64_t{1}));
  set.add("cross_links", cross_links, "hidden links a topic, drawn by the seed",
          at_least(int64_t{0}));
  set.add("gamma", gamma, "how much less a topic is liked an exposure (satiation)", at_least(0.0));
  set.add("dimensions", dimensions, "of the items' vectors, vectors.npy; 0 writes none",
          at_least(int64_t{0}));
  set.add("wordnet", wordnet, "folder of WordNet's database files (Debian's wordnet-base)");
  set.add("seed", seed, "of everything that is drawn", at_least(int64_t{0}));
}

}  // namespace serendip
