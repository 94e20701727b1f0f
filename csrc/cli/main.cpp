#include <CLI/CLI.hpp>

#include "base/check.h"
#include "base/interrupt.h"
#include "base/log.h"

int main(int argc, char** argv) {
  serendip::set_up_logging();
  serendip::catch_interrupts();
  CLI::App app{"Serendip: user interest exploration with LLMs", "serendip"};
  CLI11_PARSE(app, argc, argv);
  return 0;
}
