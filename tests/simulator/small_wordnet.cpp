#include "tests/simulator/small_wordnet.h"

#include <fmt/format.h>

#include <map>
#include <sstream>

#include "base/file.h"

namespace serendip {
namespace {

constexpr const char* kLicence = "  1 This software and database is being provided to you\n";
constexpr int kChildren = 15;

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

}  // namespace

void write_wordnet(const std::filesystem::path& folder, const std::vector<NounLine>& lines,
                   const std::vector<std::string>& adjectives) {
  std::string data = kLicence, index = kLicence, others = kLicence;
  std::map<std::string, std::vector<int>> senses;
  for (const NounLine& line : lines) {
    const std::vector<std::string> lemmas = split(line.lemmas);
    data += fmt::format("{:08} 03 n {:02x}", line.offset, lemmas.size());
    for (const std::string& lemma : lemmas) {
      data += " " + lemma + " 0";
      senses[lemma].push_back(line.offset);
    }
    data += line.hypernym == 0 ? " 000"
                               : fmt::format(" 002 + 00000007 v 0101 {} {:08} n 0000", line.pointer,
                                             line.hypernym);
    data += " | " + line.gloss + "  \n";
  }
  for (const auto& [lemma, offsets] : senses) {
    index += fmt::format("{} n {} 2 @ ~ {} 1", lemma, offsets.size(), offsets.size());
    for (const int offset : offsets) index += fmt::format(" {:08}", offset);
    index += "  \n";
  }
  for (const std::string& adjective : adjectives) others += adjective + " a 1 1 & 1 0 00000001  \n";
  write_file(folder / "data.noun", data);
  write_file(folder / "index.noun", index);
  write_file(folder / "index.adj", others);
}

void write_small_wordnet(const std::filesystem::path& folder) {
  std::vector<NounLine> lines = {{1, "entity", 0, "what exists"}};
  int offset = 1;
  for (const char* root : {"sport", "game", "beverage", "animal"}) {
    const int top = ++offset;
    lines.push_back({top, root, 1, "known to many"});
    for (int i = 0; i < kChildren; ++i) {
      const std::string next = fmt::format("{}{:c}", root, 'a' + (i + 1) % kChildren);
      lines.push_back({++offset, fmt::format("{}{:c}", root, 'a' + i),
                       i % 2 == 1 ? offset - 1 : top,
                       fmt::format("a {} not unlike {} with taste{} and colour{}; \"it is one\"",
                                   root, next, i / 3, i % 4)});
    }
  }
  write_wordnet(folder, lines);
}

SmallWorld::SmallWorld() {
  write_small_wordnet(folder.path());
  options.wordnet = folder.path().string();
  options.topics = kSmallTopics;
  options.items = 300;
  options.users = 80;
  options.days = 14;
  options.interests = 12;
  options.known_interests = 4;
  options.dimensions = 32;
}

}  // namespace serendip
