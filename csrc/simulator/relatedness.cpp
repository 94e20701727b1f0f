#include "simulator/relatedness.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "clusters/words.h"
#include "simulator/draws.h"

namespace serendip {
namespace {

constexpr size_t kNeighbors = 8;
constexpr double kWalkedShare = 0.5, kLeastCrossLink = 0.5;

struct WeightedWord {
  int32_t word;
  double weight;
};

// [T] the words of name and definition, ascending, under TF-IDF with unit length.
std::vector<std::vector<WeightedWord>> weighted_words(const std::vector<Topic>& topics) {
  std::vector<std::vector<WeightedWord>> rows;
  std::unordered_map<std::string, int32_t> number;
  std::vector<double> topics_with;
  for (const Topic& topic : topics) {
    std::vector<std::string> words = topic.words;
    for (std::string& word : words_of(topic.name)) words.push_back(std::move(word));
    std::vector<WeightedWord>& row = rows.emplace_back();
    for (const std::string& word : words) {
      const auto [entry, added] = number.emplace(word, static_cast<int32_t>(number.size()));
      if (added) topics_with.push_back(0);
      row.push_back({entry->second, 0});
    }
    std::sort(row.begin(), row.end(), [](auto a, auto b) { return a.word < b.word; });
    row.erase(std::unique(row.begin(), row.end(), [](auto a, auto b) { return a.word == b.word; }),
              row.end());
    for (const WeightedWord& word : row) ++topics_with[static_cast<size_t>(word.word)];
  }
  for (std::vector<WeightedWord>& row : rows) {
    double squares = 0;
    for (WeightedWord& word : row) {
      word.weight = std::log(static_cast<double>(topics.size()) /
                             topics_with[static_cast<size_t>(word.word)]);
      squares += word.weight * word.weight;
    }
    if (squares > 0)
      for (WeightedWord& word : row) word.weight /= std::sqrt(squares);
  }
  return rows;
}

double inner_product(const std::vector<WeightedWord>& a, const std::vector<WeightedWord>& b) {
  double sum = 0;
  for (auto left = a.begin(), right = b.begin(); left != a.end() && right != b.end();) {
    if (left->word < right->word) {
      ++left;
    } else if (right->word < left->word) {
      ++right;
    } else {
      sum += (left++)->weight * (right++)->weight;
    }
  }
  return sum;
}

using Neighbors = std::vector<std::vector<RelatedTopic>>;

bool has(const std::vector<RelatedTopic>& list, int32_t topic) {
  return std::any_of(list.begin(), list.end(),
                     [topic](const RelatedTopic& other) { return other.topic == topic; });
}

// Both ways, once a pair.
void link(Neighbors& neighbors, int32_t a, int32_t b, float weight, bool hidden, int64_t seed) {
  if (a == b || has(neighbors[static_cast<size_t>(a)], b)) return;
  const bool walked =
      draw(seed, Draw::kWalked, std::min(a, b), std::max(a, b)).uniform() < kWalkedShare;
  neighbors[static_cast<size_t>(a)].push_back({b, weight, hidden, walked});
  neighbors[static_cast<size_t>(b)].push_back({a, weight, hidden, walked});
}

// The most similar topics to `topic`, ties to the lower number; those of no similarity left out.
std::vector<int32_t> nearest(std::span<const float> similarity, int32_t topic) {
  std::vector<int32_t> order(similarity.size());
  std::iota(order.begin(), order.end(), 0);
  const auto of = [&](int32_t other) { return similarity[static_cast<size_t>(other)]; };
  std::erase_if(order, [&](int32_t other) { return other == topic || of(other) <= 0; });
  const size_t kept = std::min(kNeighbors, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(),
                    [&](int32_t a, int32_t b) { return of(a) != of(b) ? of(a) > of(b) : a < b; });
  order.resize(kept);
  return order;
}

}  // namespace

RelatednessGraph::RelatednessGraph(const Neighbors& neighbors) {
  offset_.push_back(0);
  for (std::vector<RelatedTopic> row : neighbors) {
    std::sort(row.begin(), row.end(), [](auto a, auto b) { return a.topic < b.topic; });
    links_.insert(links_.end(), row.begin(), row.end());
    offset_.push_back(static_cast<int64_t>(links_.size()));
  }
}

std::span<const RelatedTopic> RelatednessGraph::of(int32_t topic) const {
  const auto t = static_cast<size_t>(topic);
  return std::span(links_).subspan(static_cast<size_t>(offset_[t]),
                                   static_cast<size_t>(offset_[t + 1] - offset_[t]));
}

float RelatednessGraph::weight(int32_t a, int32_t b) const {
  const std::span<const RelatedTopic> row = of(a);
  const auto found =
      std::lower_bound(row.begin(), row.end(), b,
                       [](const auto& other, int32_t topic) { return other.topic < topic; });
  return found != row.end() && found->topic == b ? found->weight : 0;
}

double wu_palmer(const Topic& a, const Topic& b) {
  const auto common = static_cast<size_t>(
      std::mismatch(a.path.begin(), a.path.end(), b.path.begin(), b.path.end()).first -
      a.path.begin());
  return 2.0 * static_cast<double>(common) / static_cast<double>(a.path.size() + b.path.size());
}

std::vector<float> open_similarity(const std::vector<Topic>& topics) {
  const size_t count = topics.size();
  const std::vector<std::vector<WeightedWord>> words = weighted_words(topics);
  std::vector<float> similarity(count * count);
#pragma omp parallel for schedule(dynamic, 16)
  for (size_t a = 0; a < count; ++a)
    for (size_t b = 0; b < count; ++b)
      similarity[a * count + b] = static_cast<float>(
          std::min(1.0, (wu_palmer(topics[a], topics[b]) + inner_product(words[a], words[b])) / 2));
  return similarity;
}

RelatednessGraph relate_topics(const std::vector<Topic>& topics, int64_t cross_links,
                               int64_t seed) {
  const size_t count = topics.size();
  const std::vector<float> similarity = open_similarity(topics);
  Neighbors neighbors(count);
  for (size_t a = 0; a < count; ++a)
    for (const int32_t b :
         nearest(std::span(similarity).subspan(a * count, count), static_cast<int32_t>(a)))
      link(neighbors, static_cast<int32_t>(a), b, similarity[a * count + static_cast<size_t>(b)],
           /*hidden=*/false, seed);
  for (size_t a = 0; a < count; ++a) {
    Random random = draw(seed, Draw::kCrossLink, static_cast<int64_t>(a));
    for (int64_t i = 0; i < cross_links; ++i) {
      const auto b = static_cast<int32_t>(random.below(count));
      const double weight = kLeastCrossLink + (1 - kLeastCrossLink) * random.uniform();
      link(neighbors, static_cast<int32_t>(a), b, static_cast<float>(weight), /*hidden=*/true,
           seed);
    }
  }
  return RelatednessGraph(neighbors);
}

}  // namespace serendip
