#include "base/interrupt.h"

#include <csignal>

#include "base/check.h"

namespace serendip {
namespace {

volatile std::sig_atomic_t received_signal = 0;

void remember(int signal) {
  received_signal = signal;
  std::signal(signal, SIG_DFL);  // a second one ends the process at once
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

void throw_if_interrupted() {
  if (received_signal != 0)
    throw Interrupted("interrupted; the same command goes on from the work kept so far");
}

}  // namespace serendip
