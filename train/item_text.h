// The text of a dataset's items as documents to train on and documents held out.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "lm/tokenizer.h"
#include "train/packing.h"

namespace serendip {

// Lines of valid UTF-8, two an item: "title. text", or the one of them that it has, and its words
// as clusters are described by them ("noir, detective, thriller"); items of the same text count
// once.
struct ItemText {
  std::vector<std::string> training, held_out;
};

// Held out are the 2% of the items whose text's hash is the lowest, whatever the items' order.
// Throws Error, naming `where`, for fewer than the 50 different items that hold one out.
ItemText item_text(const Dataset& dataset, const std::string& where);

// Every document as one sample: beginning of text | its tokens and `terminator`. What would take
// more than `context` positions is cut into several samples, each with a beginning.
std::vector<Sample> text_samples(const Tokenizer& tokenizer,
                                 const std::vector<std::string>& documents, int32_t terminator,
                                 int64_t context);

}  // namespace serendip
