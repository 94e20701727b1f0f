// What an item shows of its topic: a title, tags, a noisy vector. Each is a function of the item's
// number, so that a catalogue of any size can be written as a stream.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulator/world.h"

namespace serendip {

struct WorldItemText {
  std::string title, tags;  // tags joined by ", "
};

// The title names the topic and words of its definition. Tags: the topic, the more general concept,
// up to three more words of the definition, and for one item in seven another topic's name.
WorldItemText item_text(const World& world, int32_t item);

// Vectors of D dimensions. A topic's is the unit sum of a random direction for each concept on its
// path, each 0.8 times the one below it; an item's is 0.7 of its topic's and noise of length about
// 0.7. Hidden links leave no trace in them.
class WorldItemVectors {
 public:
  explicit WorldItemVectors(const World& world);           // D = options.dimensions ≥ 1
  void fill(int32_t item, std::span<float> vector) const;  // [D]

 private:
  const World& world_;
  size_t dimensions_;
  std::vector<float> topic_;  // [T, D]
};

}  // namespace serendip
