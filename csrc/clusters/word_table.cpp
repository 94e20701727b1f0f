#include "clusters/word_table.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "clusters/words.h"

namespace serendip {
namespace {

// Renumbers words from order of appearance to alphabetical order.
void sort_words(WordTable& table) {
  std::vector<int32_t> order(table.word.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return table.word[static_cast<size_t>(a)] < table.word[static_cast<size_t>(b)];
  });
  std::vector<int32_t> number(order.size());
  std::vector<std::string> sorted;
  sorted.reserve(order.size());
  for (size_t place = 0; place < order.size(); ++place) {
    number[static_cast<size_t>(order[place])] = static_cast<int32_t>(place);
    sorted.push_back(std::move(table.word[static_cast<size_t>(order[place])]));
  }
  table.word = std::move(sorted);
  for (int32_t& word : table.item_word) word = number[static_cast<size_t>(word)];
  for (size_t i = 0; i + 1 < table.offset.size(); ++i) {
    std::sort(table.item_word.begin() + table.offset[i],
              table.item_word.begin() + table.offset[i + 1]);
  }
}

}  // namespace

WordTable count_words(const std::vector<std::string>& title, const std::vector<std::string>& text) {
  WordTable table;
  table.offset.push_back(0);
  std::unordered_map<std::string, int32_t> number;
  std::vector<int32_t> mine;
  for (size_t i = 0; i < title.size(); ++i) {
    mine.clear();
    for (const std::string* source : {&title[i], &text[i]}) {
      for (const std::string& word : words_of(*source)) {
        const auto [entry, added] = number.emplace(word, static_cast<int32_t>(table.word.size()));
        if (added) table.word.push_back(word);
        mine.push_back(entry->second);
      }
    }
    std::sort(mine.begin(), mine.end());
    mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
    table.item_word.insert(table.item_word.end(), mine.begin(), mine.end());
    table.offset.push_back(static_cast<int64_t>(table.item_word.size()));
  }
  sort_words(table);
  return table;
}

}  // namespace serendip
