#include "train/item_text.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/check.h"
#include "base/hash.h"
#include "clusters/words.h"
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

std::string line_of(const Dataset& dataset, size_t item) {
  const std::string title = one_line(dataset.item_title[item]);
  const std::string text = one_line(dataset.item_text[item]);
  return title.empty() || text.empty() ? title + text : title + ". " + text;
}

}  // namespace

ItemText item_text(const Dataset& dataset, const std::string& where) {
  std::vector<std::string> lines;
  std::set<std::string> seen;
  for (size_t item = 0; item < dataset.item_id.size(); ++item) {
    std::string line = line_of(dataset, item);
    if (!line.empty() && seen.insert(line).second) lines.push_back(std::move(line));
  }
  SERENDIP_CHECK(lines.size() >= kHeldOutOneIn,
                 "{}: expected at least {} items with different titles or texts to train on, got "
                 "{} of {} items (import.item_title and import.item_text name the columns)",
                 where, kHeldOutOneIn, lines.size(), dataset.item_count());
  std::vector<uint64_t> hashes;
  for (const std::string& line : lines) hashes.push_back(hash64(line));
  const size_t held_out = lines.size() / kHeldOutOneIn;
  std::nth_element(hashes.begin(), hashes.begin() + static_cast<int64_t>(held_out), hashes.end());
  ItemText text;
  for (std::string& line : lines) {
    auto& documents = hash64(line) < hashes[held_out] ? text.held_out : text.training;
    const std::vector<std::string> words = words_of(line);
    documents.push_back(std::move(line));
    if (!words.empty()) documents.push_back(fmt::format("{}", fmt::join(words, ", ")));
  }
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
