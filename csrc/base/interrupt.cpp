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

bool interrupted() { return received_signal != 0; }

void throw_interrupted() {
  throw Interrupted("interrupted; the same command goes on from the work kept so far");
}

void throw_if_interrupted() {
  if (interrupted()) throw_interrupted();
}

}  // namespace serendip
