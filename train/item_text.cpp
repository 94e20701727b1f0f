#include "train/item_text.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/hash.h"
#include "lm/unicode.h"

namespace serendip {
namespace {

constexpr size_t kHeldOutOneIn = 50;

// On one line: every run of spaces and control characters becomes a space, none at either end.
std::string one_line(const std::string& text) {
  std::string line;
  bool space = false;
  for (const char c : replace_invalid_utf8(text)) {
    if (const auto byte = static_cast<unsigned char>(c); byte <= ' ' || byte == 0x7F) {
      space = true;
      continue;
    }
    if (space && !line.empty()) line += ' ';
    space = false;
    line += c;
  }
  return line;
}

std::string document_of(const Dataset& dataset, size_t item) {
  const std::string title = one_line(dataset.item_title[item]);
  const std::string text = one_line(dataset.item_text[item]);
  return title.empty() || text.empty() ? title + text : title + ". " + text;
}

}  // namespace

ItemText item_text(const Dataset& dataset, const std::string& where) {
  std::vector<std::string> documents;
  std::set<std::string> seen;
  for (size_t item = 0; item < dataset.item_id.size(); ++item) {
    std::string document = document_of(dataset, item);
    if (!document.empty() && seen.insert(document).second) documents.push_back(std::move(document));
  }
  SERENDIP_CHECK(documents.size() >= kHeldOutOneIn,
                 "{}: expected at least {} items with different titles or texts to train on, got "
                 "{} of {} items (import.item_title and import.item_text name the columns)",
                 where, kHeldOutOneIn, documents.size(), dataset.item_count());
  std::vector<uint64_t> hashes;
  for (const std::string& document : documents) hashes.push_back(hash64(document));
  const size_t held_out = documents.size() / kHeldOutOneIn;
  std::nth_element(hashes.begin(), hashes.begin() + static_cast<int64_t>(held_out), hashes.end());
  ItemText text;
  for (std::string& document : documents)
    (hash64(document) < hashes[held_out] ? text.held_out : text.training)
        .push_back(std::move(document));
  return text;
}

std::vector<Sample> text_samples(const Tokenizer& tokenizer,
                                 const std::vector<std::string>& documents, int32_t terminator,
                                 int64_t context) {
  // The last label needs no position of its own.
  const int64_t labels = context - static_cast<int64_t>(tokenizer.prefix_ids.size()) + 1;
  std::vector<Sample> samples;
  for (const std::string& document : documents) {
    std::vector<int32_t> ids = tokenizer.encode(document);
    ids.push_back(terminator);
    const auto end = static_cast<int64_t>(ids.size());
    for (int64_t begin = 0; begin < end; begin += labels)
      samples.push_back({tokenizer.prefix_ids,
                         {ids.begin() + begin, ids.begin() + std::min(begin + labels, end)}});
  }
  return samples;
}

}  // namespace serendip
