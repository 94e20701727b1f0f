#include "simulator/wordnet.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>

#include "base/check.h"
#include "base/file.h"

namespace serendip {
namespace fs = std::filesystem;

namespace {

// The space-separated fields of one line.
class Fields {
 public:
  Fields(std::string_view line, std::string where) : rest_(line), where_(std::move(where)) {}

  std::string_view next() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
    const std::string_view field = rest_.substr(0, rest_.find(' '));
    SERENDIP_CHECK(!field.empty(), "{}: ends early: not a line of WordNet's database", where_);
    rest_.remove_prefix(field.size());
    return field;
  }

  int64_t number(int base = 10) {
    const std::string_view field = next();
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(field.data(), field.data() + field.size(), value, base);
    SERENDIP_CHECK(error == std::errc() && end == field.data() + field.size() && value >= 0,
                   "{}: expected a number, got '{}': not a line of WordNet's database", where_,
                   field);
    return value;
  }

  const std::string& where() const { return where_; }

 private:
  std::string_view rest_;
  std::string where_;
};

// Calls `use(line, fields)`; lines of the licence begin with a space.
void for_each_line(const fs::path& path,
                   const std::function<void(std::string_view line, Fields& fields)>& use) {
  const std::string content = read_file(path);
  int64_t number = 0;
  for (size_t begin = 0; begin < content.size();) {
    const size_t end = std::min(content.find('\n', begin), content.size());
    const std::string_view line(content.data() + begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.empty() || line[0] == ' ') continue;
    Fields fields(line, fmt::format("{}:{}", path.string(), number));
    use(line, fields);
  }
}

// What stands before the quoted examples.
std::string definition(std::string_view line) {
  const size_t bar = line.find(" | ");
  if (bar == line.npos) return {};
  std::string_view gloss = line.substr(bar + 3);
  gloss = gloss.substr(0, gloss.find('"'));
  const size_t last = gloss.find_last_not_of(" ;");
  return std::string(gloss.substr(0, last == gloss.npos ? 0 : last + 1));
}

using NumberOfOffset = std::unordered_map<int64_t, int32_t>;

int32_t synset_at(const NumberOfOffset& number, int64_t offset, const std::string& where) {
  const auto found = number.find(offset);
  SERENDIP_CHECK(found != number.end(), "{}: no synset {:08} in data.noun", where, offset);
  return found->second;
}

// Fills the synsets; hypernyms are still missing, as they may stand further down.
struct SynsetLine {
  int64_t hypernym = -1;  // its offset
  std::string where;
};

SynsetLine read_synset(Fields& fields, std::string_view line, Synset& synset) {
  SynsetLine read;
  fields.next();  // lexicographer's file
  fields.next();  // part of speech
  for (int64_t words = fields.number(16); words > 0; --words) {
    synset.lemmas.emplace_back(fields.next());
    fields.next();
  }
  SERENDIP_CHECK(!synset.lemmas.empty(), "{}: a synset without words", fields.where());
  for (int64_t pointers = fields.number(); pointers > 0; --pointers) {
    const bool up = fields.next() == "@" && read.hypernym < 0;
    const int64_t offset = fields.number();
    if (up) read.hypernym = offset;
    fields.next();
    fields.next();
  }
  synset.gloss = definition(line);
  read.where = fields.where();
  return read;
}

NumberOfOffset read_synsets(const fs::path& path, Nouns& nouns) {
  NumberOfOffset number;
  std::vector<SynsetLine> lines;
  for_each_line(path, [&](std::string_view line, Fields& fields) {
    number.emplace(fields.number(), static_cast<int32_t>(nouns.synsets.size()));
    lines.push_back(read_synset(fields, line, nouns.synsets.emplace_back()));
  });
  nouns.hyponyms.resize(nouns.synsets.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].hypernym < 0) continue;
    const int32_t up = synset_at(number, lines[i].hypernym, lines[i].where);
    nouns.synsets[i].hypernym = up;
    nouns.hyponyms[static_cast<size_t>(up)].push_back(static_cast<int32_t>(i));
  }
  return number;
}

}  // namespace

std::vector<int32_t> Nouns::path_to(int32_t synset) const {
  std::vector<int32_t> path;
  for (int32_t at = synset; at >= 0; at = synsets[static_cast<size_t>(at)].hypernym) {
    SERENDIP_CHECK(path.size() < synsets.size(), "WordNet: '{}' is more general than itself",
                   synsets[static_cast<size_t>(synset)].lemmas[0]);
    path.push_back(at);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Nouns read_nouns(const fs::path& folder) {
  Nouns nouns;
  const NumberOfOffset number = read_synsets(folder / "data.noun", nouns);
  for_each_line(folder / "index.noun", [&](std::string_view, Fields& fields) {
    std::vector<int32_t>& senses = nouns.senses[std::string(fields.next())];
    fields.next();  // part of speech
    const int64_t synsets = fields.number();
    for (int64_t pointers = fields.number(); pointers > 0; --pointers) fields.next();
    fields.number();  // senses, again
    fields.number();  // of them in tagged texts
    for (int64_t i = 0; i < synsets; ++i)
      senses.push_back(synset_at(number, fields.number(), fields.where()));
  });
  return nouns;
}

std::unordered_set<std::string> read_lemmas(const fs::path& index) {
  std::unordered_set<std::string> lemmas;
  for_each_line(index, [&](std::string_view, Fields& fields) { lemmas.emplace(fields.next()); });
  return lemmas;
}

}  // namespace serendip
