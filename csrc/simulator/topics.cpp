#include "simulator/topics.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/check.h"
#include "clusters/words.h"
#include "data/words.h"
#include "simulator/wordnet.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

constexpr size_t kMostSenses = 5;

struct Root {
  const char* lemma;
  size_t sense;  // from 1
};

// What people follow, in WordNet 3.0's numbering of senses.
constexpr std::array kRoots = {Root{"sport", 1},
                               Root{"game", 1},
                               Root{"dance", 3},
                               Root{"music_genre", 1},
                               Root{"music", 1},
                               Root{"musical_instrument", 1},
                               Root{"art", 1},
                               Root{"trade", 2},
                               Root{"literary_composition", 1},
                               Root{"dish", 2},
                               Root{"baked_goods", 1},
                               Root{"beverage", 1},
                               Root{"food", 2},
                               Root{"clothing", 1},
                               Root{"footwear", 1},
                               Root{"jewelry", 1},
                               Root{"fabric", 1},
                               Root{"furniture", 1},
                               Root{"building", 1},
                               Root{"animal", 1},
                               Root{"plant", 2},
                               Root{"geological_formation", 1},
                               Root{"body_of_water", 1},
                               Root{"celestial_body", 1},
                               Root{"travel", 1},
                               Root{"vehicle", 1},
                               Root{"tool", 1},
                               Root{"device", 1},
                               Root{"discipline", 1}};

// "knitting" or "ice_hockey".
bool is_plain(std::string_view lemma) {
  constexpr size_t kShortestWord = 3;
  size_t words = 0;
  while (true) {
    const size_t end = std::min(lemma.find('_'), lemma.size());
    if (end < kShortestWord || ++words > 2) return false;
    if (!std::all_of(lemma.begin(), lemma.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char c) { return c >= 'a' && c <= 'z'; }))
      return false;
    if (end == lemma.size()) return true;
    lemma.remove_prefix(end + 1);
  }
}

std::string with_spaces(std::string lemma) {
  std::replace(lemma.begin(), lemma.end(), '_', ' ');
  return lemma;
}

class TopicChooser {
 public:
  explicit TopicChooser(const fs::path& folder)
      : nouns_(read_nouns(folder)), adjectives_(read_lemmas(folder / "index.adj")) {
    for (const Root& root : kRoots) collect(root);
    count_mentions();
    rank();
  }

  size_t available() const {
    size_t total = 0;
    for (const auto& list : by_root_) total += list.size();
    return total;
  }

  std::vector<Topic> take(size_t count) const {
    std::vector<Topic> topics;
    for (size_t place = 0; topics.size() < count; ++place)
      for (const std::vector<int32_t>& list : by_root_)
        if (place < list.size() && topics.size() < count) topics.push_back(topic(list[place]));
    return topics;
  }

 private:
  const Synset& synset(int32_t number) const { return nouns_.synsets[static_cast<size_t>(number)]; }

  bool qualifies(int32_t number) const {
    const std::string& lemma = synset(number).lemmas[0];
    if (!is_plain(lemma) || adjectives_.contains(lemma)) return false;
    const auto senses = nouns_.senses.find(lemma);
    return senses != nouns_.senses.end() && senses->second[0] == number &&
           senses->second.size() <= kMostSenses;
  }

  // Below more than one root, a concept belongs to the first.
  void collect(const Root& root) {
    const auto senses = nouns_.senses.find(root.lemma);
    if (senses == nouns_.senses.end() || senses->second.size() < root.sense) return;
    std::vector<int32_t>& list = by_root_.emplace_back();
    std::vector<int32_t> open =
        nouns_.hyponyms[static_cast<size_t>(senses->second[root.sense - 1])];
    while (!open.empty()) {
      const int32_t number = open.back();
      open.pop_back();
      const std::vector<int32_t>& below = nouns_.hyponyms[static_cast<size_t>(number)];
      open.insert(open.end(), below.begin(), below.end());
      if (qualifies(number) && mentions_.emplace(synset(number).lemmas[0], 0).second)
        list.push_back(number);
    }
  }

  // In how many definitions each candidate's lemma occurs.
  void count_mentions() {
    for (const Synset& other : nouns_.synsets) {
      std::vector<std::string> terms = split_words(other.gloss);
      for (size_t i = 0, words = terms.size(); i + 1 < words; ++i)
        terms.push_back(terms[i] + "_" + terms[i + 1]);
      std::sort(terms.begin(), terms.end());
      terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
      for (const std::string& term : terms) {
        const auto found = mentions_.find(term);
        if (found != mentions_.end()) ++found->second;
      }
    }
  }

  // Best known first; what nobody mentions is dropped.
  void rank() {
    const auto mentions = [this](int32_t number) { return mentions_.at(synset(number).lemmas[0]); };
    for (std::vector<int32_t>& list : by_root_) {
      std::erase_if(list, [&](int32_t number) { return mentions(number) == 0; });
      std::sort(list.begin(), list.end(), [&](int32_t a, int32_t b) {
        const int64_t mentions_a = mentions(a), mentions_b = mentions(b);
        return mentions_a != mentions_b ? mentions_a > mentions_b : a < b;
      });
    }
  }

  Topic topic(int32_t number) const {
    const Synset& chosen = synset(number);
    Topic topic{with_spaces(chosen.lemmas[0]),
                with_spaces(synset(chosen.hypernym).lemmas[0]),
                chosen.gloss,
                {},
                nouns_.path_to(number)};
    for (std::string& word : words_of(chosen.gloss))
      if (std::find(topic.words.begin(), topic.words.end(), word) == topic.words.end())
        topic.words.push_back(std::move(word));
    return topic;
  }

  Nouns nouns_;
  std::unordered_set<std::string> adjectives_;
  std::unordered_map<std::string, int64_t> mentions_;  // of the candidates' lemmas
  std::vector<std::vector<int32_t>> by_root_;          // synsets
};

}  // namespace

std::vector<Topic> read_topics(const fs::path& folder, int64_t count) {
  SERENDIP_CHECK(fs::exists(folder / "data.noun"),
                 "world.wordnet: no file '{}'; Debian's package wordnet-base has it",
                 (folder / "data.noun").string());
  const TopicChooser chooser(folder);
  const auto available = static_cast<int64_t>(chooser.available());
  SERENDIP_CHECK(count <= available, "world.topics = {}: expected at most {}, all that '{}' has",
                 count, available, folder.string());
  return chooser.take(static_cast<size_t>(count));
}

}  // namespace serendip
