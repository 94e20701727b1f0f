#include "infer/score.h"

#include <iostream>

#include "base/check.h"
#include "cli/command.h"

namespace serendip {

void add_score(CLI::App& app) {
  CLI::App& command =
      *app.add_subcommand("score", "Log-probabilities of labels after prompts, as JSON lines");
  const auto options = std::make_shared<ScoreOptions>();
  const auto path = [&](const char* name, std::filesystem::path& target, const char* help) {
    command
        .add_option_function<std::string>(
            name, [&target, options](const std::string& text) { target = text; }, help)
        ->required()
        ->type_name("PATH");
  };
  path("--model", options->model, "Hugging Face model folder");
  path("--prompts", options->prompts, "JSONL file of prompts");
  path("--labels", options->labels, "text file, a label a line");
  command
      .add_option("--terminator", options->terminator,
                  "token id that ends a label; -1: the model's end-of-sequence token")
      ->capture_default_str();
  command.add_option("--top-k", options->top_k, "also the k best labels of each prompt; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_flag_function(
      "--json", [](int64_t) {}, "JSON lines, which is the only form");
  command.callback([options] {
    score(*options, std::cout);
    std::cout.flush();
    SERENDIP_CHECK(std::cout.good(), "stdout: cannot write");
  });
}

}  // namespace serendip
