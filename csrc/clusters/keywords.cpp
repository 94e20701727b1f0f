#include "clusters/keywords.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/check.h"
#include "clusters/words.h"

namespace serendip {
namespace {

// Beyond these, replacing a word to be unique no longer describes the cluster.
constexpr size_t kRankedWords = 64;

struct WordCount {
  int32_t word;
  int64_t items;
  double traffic;  // tf
};

// [clusters] words of each cluster's items, ascending by word.
std::vector<std::vector<WordCount>> count_by_cluster(const TreeLevel& level,
                                                     const std::vector<double>& item_traffic,
                                                     const WordTable& words) {
  std::vector<std::vector<int32_t>> items(level.parent.size());
  for (size_t i = 0; i < level.assignment.size(); ++i) {
    items[static_cast<size_t>(level.assignment[i])].push_back(static_cast<int32_t>(i));
  }
  std::vector<std::vector<WordCount>> counts(items.size());
  std::vector<int32_t> slot(words.word.size(), -1);
  for (size_t c = 0; c < items.size(); ++c) {
    std::vector<WordCount>& mine = counts[c];
    for (const int32_t item : items[c]) {
      const auto i = static_cast<size_t>(item);
      for (auto w = static_cast<size_t>(words.offset[i]);
           w < static_cast<size_t>(words.offset[i + 1]); ++w) {
        int32_t& place = slot[static_cast<size_t>(words.item_word[w])];
        if (place < 0) {
          place = static_cast<int32_t>(mine.size());
          mine.push_back({words.item_word[w], 0, 0.0});
        }
        WordCount& count = mine[static_cast<size_t>(place)];
        ++count.items;
        count.traffic += std::sqrt(item_traffic[i] + 1);
      }
    }
    for (const WordCount& count : mine) slot[static_cast<size_t>(count.word)] = -1;
    std::sort(mine.begin(), mine.end(),
              [](const WordCount& a, const WordCount& b) { return a.word < b.word; });
  }
  return counts;
}

struct Ranking {
  std::vector<double> frequency;             // [V] f: tf summed over all clusters
  std::vector<std::vector<int32_t>> ranked;  // [clusters] the best words, best first
};

Ranking rank_words(const std::vector<std::vector<WordCount>>& counts, size_t vocabulary) {
  Ranking ranking;
  std::vector<double>& frequency = ranking.frequency;
  frequency.assign(vocabulary, 0.0);
  double total = 0;
  for (const std::vector<WordCount>& mine : counts) {
    for (const WordCount& count : mine) {
      frequency[static_cast<size_t>(count.word)] += count.traffic;
      total += count.traffic;
    }
  }
  const double mean = total / static_cast<double>(counts.size());
  for (const std::vector<WordCount>& mine : counts) {
    // The cluster's own Σ tf scales all its scores alike, so it is left out.
    std::vector<std::pair<WordCount, double>> scored;
    for (const WordCount& count : mine) {
      scored.emplace_back(
          count, count.traffic * std::log1p(mean / frequency[static_cast<size_t>(count.word)]));
    }
    std::sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) {
      const bool shared_a = a.first.items > 1;
      const bool shared_b = b.first.items > 1;
      if (shared_a != shared_b) return shared_a;
      return a.second != b.second ? a.second > b.second : a.first.word < b.first.word;
    });
    std::vector<int32_t>& best = ranking.ranked.emplace_back();
    for (size_t i = 0; i < std::min(kRankedWords, scored.size()); ++i) {
      best.push_back(scored[i].first.word);
    }
  }
  return ranking;
}

// Sets of words already used in a level; a set counts once whatever its order.
class UsedSets {
 public:
  bool claim(std::vector<int32_t> set) {
    std::sort(set.begin(), set.end());
    return used_.insert(std::move(set)).second;
  }

 private:
  std::set<std::vector<int32_t>> used_;
};

// The first unused choice: the best `count` words, then with the last one replaced, then with the
// last two, then with words added; empty when there is none.
std::vector<int32_t> choose_words(const std::vector<int32_t>& ranked, size_t count,
                                  UsedSets& used) {
  const size_t kept = std::min(count, ranked.size());
  if (kept == 0) return {};
  std::vector<int32_t> choice(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept));
  if (used.claim(choice)) return choice;
  for (size_t last = kept; last < ranked.size(); ++last) {
    choice[kept - 1] = ranked[last];
    if (used.claim(choice)) return choice;
  }
  for (size_t first = kept; kept >= 2 && first + 1 < ranked.size(); ++first) {
    for (size_t last = first + 1; last < ranked.size(); ++last) {
      choice[kept - 2] = ranked[first];
      choice[kept - 1] = ranked[last];
      if (used.claim(choice)) return choice;
    }
  }
  choice.assign(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept));
  for (size_t next = kept; next < ranked.size(); ++next) {
    choice.push_back(ranked[next]);
    if (used.claim(choice)) return choice;
  }
  return {};
}

// [clusters] title of the item with most traffic, the first of equals, on one line.
std::vector<std::string> popular_titles(const TreeLevel& level,
                                        const std::vector<double>& item_traffic,
                                        const std::vector<std::string>& item_title) {
  std::vector<int64_t> best(level.parent.size(), -1);
  for (size_t i = 0; i < level.assignment.size(); ++i) {
    int64_t& mine = best[static_cast<size_t>(level.assignment[i])];
    if (mine < 0 || item_traffic[i] > item_traffic[static_cast<size_t>(mine)]) {
      mine = static_cast<int64_t>(i);
    }
  }
  std::vector<std::string> titles;
  for (const int64_t item : best) {
    titles.push_back(item < 0 ? "" : lower_line(item_title[static_cast<size_t>(item)]));
  }
  return titles;
}

void describe_level(TreeLevel& level, const std::vector<double>& item_traffic,
                    const WordTable& words, const std::vector<std::string>& item_title,
                    int64_t count) {
  const Ranking ranking =
      rank_words(count_by_cluster(level, item_traffic, words), words.word.size());
  const std::vector<std::string> titles = popular_titles(level, item_traffic, item_title);
  UsedSets used;
  std::vector<std::vector<int32_t>> chosen;
  for (const std::vector<int32_t>& best : ranking.ranked) {
    std::vector<int32_t>& mine =
        chosen.emplace_back(choose_words(best, static_cast<size_t>(count), used));
    std::sort(mine.begin(), mine.end(), [&](int32_t a, int32_t b) {
      const double frequency_a = ranking.frequency[static_cast<size_t>(a)];
      const double frequency_b = ranking.frequency[static_cast<size_t>(b)];
      return frequency_a != frequency_b ? frequency_a < frequency_b : a < b;
    });
  }
  std::set<std::string> texts;
  level.description.assign(chosen.size(), "");
  for (size_t c = 0; c < chosen.size(); ++c) {
    for (const int32_t word : chosen[c]) {
      std::string& text = level.description[c];
      text += (text.empty() ? "" : ", ") + words.word[static_cast<size_t>(word)];
    }
    if (!level.description[c].empty()) texts.insert(level.description[c]);
  }
  for (size_t c = 0; c < chosen.size(); ++c) {
    if (!level.description[c].empty()) continue;
    std::string text = titles[c];
    while (text.empty() || !texts.insert(text).second) {
      text += fmt::format("{}cluster {}", text.empty() ? "" : ", ", c);
    }
    level.description[c] = text;
  }
}

}  // namespace

void describe_clusters(ClusterTree& tree, const WordTable& words,
                       const std::vector<std::string>& item_title, int64_t count) {
  SERENDIP_CHECK(
      item_title.size() == tree.item_traffic.size() && words.offset.size() == item_title.size() + 1,
      "titles of {} items and words of {} for a tree of {}", item_title.size(),
      words.offset.size() - 1, tree.item_traffic.size());
  for (TreeLevel& level : tree.levels) {
    describe_level(level, tree.item_traffic, words, item_title, count);
  }
}

}  // namespace serendip
