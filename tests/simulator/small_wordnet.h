// A small WordNet for tests: entity above sport, game, beverage and animal, each with 15 concepts
// ("sporta" … "sporto"), every second one below the one before it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "simulator/world.h"
#include "tests/base/temporary_folder.h"

namespace serendip {

struct NounLine {
  int offset;
  std::string lemmas;  // separated by spaces
  int hypernym;        // offset; 0 = none
  std::string gloss;
  std::string pointer = "@";  // "@i": an individual of the hypernym
};

// data.noun, index.noun (senses in the order of the lines) and index.adj of `folder`.
void write_wordnet(const std::filesystem::path& folder, const std::vector<NounLine>& lines,
                   const std::vector<std::string>& adjectives = {});

constexpr int64_t kSmallTopics = 60;
void write_small_wordnet(const std::filesystem::path& folder);

// Debian's, where it is installed.
constexpr const char* kWordNetFolder = "/usr/share/wordnet";
inline bool has_wordnet() {
  return std::filesystem::exists(std::filesystem::path(kWordNetFolder) / "data.noun");
}

// 60 topics, 300 items, 80 users, 14 days.
class SmallWorld : public testing::Test {
 protected:
  SmallWorld();
  TemporaryFolder folder;
  WorldOptions options;
};

}  // namespace serendip
