// Megabytes a second that encode() takes on one core, line by line; compare_tokenizers.py runs it
// beside the peers.
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "lm/tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: tokenizer_bench MODEL_FOLDER TEXT_FILE\n");
    return 2;
  }
  const auto tokenizer = serendip::load_tokenizer(argv[1]);
  std::ifstream in(argv[2]);
  std::vector<std::string> lines;
  size_t bytes = 0, ids = 0;
  for (std::string line; std::getline(in, line);) {
    bytes += line.size();
    lines.push_back(line);
  }
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& line : lines) ids += tokenizer->encode(line).size();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  fmt::print("{{\"megabytes_per_second\": {:.3f}, \"ids\": {}}}\n",
             1e-6 * static_cast<double>(bytes) / seconds.count(), ids);
}
