#include <iostream>

#include "base/check.h"
#include "base/interrupt.h"
#include "cli/command.h"
#include "lm/tokenizer.h"

namespace serendip {
namespace {

void tokenize_lines(const std::filesystem::path& model, bool special) {
  const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(model);
  for (std::string line; std::getline(std::cin, line);) {
    throw_if_interrupted();
    std::vector<int32_t> ids = tokenizer->encode(line);
    if (special) {
      ids.insert(ids.begin(), tokenizer->prefix_ids.begin(), tokenizer->prefix_ids.end());
      ids.insert(ids.end(), tokenizer->suffix_ids.begin(), tokenizer->suffix_ids.end());
    }
    print(nlohmann::json(ids).dump() + "\n");
  }
}

}  // namespace

void add_tokenize(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("tokenize", "Token ids of each line of stdin, a JSON array a line");
  const auto model = std::make_shared<std::string>();
  const auto special = std::make_shared<bool>(false);
  command.add_option("--model", *model, "Hugging Face model folder")
      ->required()
      ->type_name("FOLDER");
  command.add_flag("--special", *special, "add what the tokenizer puts before and after a text");
  command.callback([model, special] { tokenize_lines(*model, *special); });
}

}  // namespace serendip
