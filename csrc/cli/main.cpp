#include <hdf5.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/reproducible.h"
#include "cli/command.h"

namespace serendip {
namespace {

enum ExitCode { kDone = 0, kFailed = 1, kMisuse = 2, kInterrupted = 130 };

// One line on stderr, whatever the message holds.
int report(std::string message, ExitCode code) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  fmt::print(stderr, "serendip: {}\n", message);
  return code;
}

// LibTorch's errors carry a stack trace below their first line.
int report_first_line(const std::string& message) {
  return report(message.substr(0, message.find('\n')), kFailed);
}

// CLI11 says only "a subcommand is required" where an unknown one was given.
std::string misuse_message(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = app.remaining(/*recurse=*/true);
  const std::string message =
      unknown.empty() ? error.what() : fmt::format("unknown argument '{}'", unknown.front());
  return message + " (see serendip --help)";
}

void add_commands(CLI::App& app) {
  app.require_subcommand(1);
  app.set_version_flag("--version", SERENDIP_VERSION);
  add_run(app);
  add_simulate(app);
  add_import(app);
  add_pretrain(app);
  add_embed(app);
  add_cluster(app);
  add_curate(app);
  add_sft(app);
  add_eval(app);
  add_generate(app);
  add_recommend(app);
  add_report(app);
  add_serve(app);
  add_score(app);
  add_tokenize(app);
  add_inspect(app);
  add_table(app);
  add_export(app);
  app.footer(
      "`COMMAND --help` lists its keys. Exit codes: 0 done, 1 failed, 2 misuse, 130 interrupted.");
}

int run(int argc, char** argv) {
  CLI::App app{"Serendip: an LLM finds a user's next new interest, a recommender the items.",
               "serendip"};
  try {
    add_commands(app);
    app.parse(argc, argv);
    return kDone;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return report(misuse_message(app, error), kMisuse);
  } catch (const MisuseError& error) {
    return report(error.what(), kMisuse);
  } catch (const Interrupted& error) {
    return report(error.what(), kInterrupted);
  } catch (const Error& error) {
    return report(error.what(), kFailed);
  } catch (const std::bad_alloc&) {
    return report("out of memory", kFailed);
  } catch (const std::exception& error) {
    return report_first_line(error.what());
  }
}

}  // namespace
}  // namespace serendip

int main(int argc, char** argv) {
  serendip::use_reproducible_products();
  serendip::set_up_logging();
  serendip::catch_interrupts();
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is then an error like a full disk
  H5dont_atexit();  // HDF5's own clean-up crashes on a file that a full disk kept from closing
  return serendip::run(argc, argv);
}
