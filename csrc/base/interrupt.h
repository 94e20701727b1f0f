// SIGINT and SIGTERM become a flag that long loops ask for at their safe points.
#pragma once

namespace serendip {

void catch_interrupts();
bool interrupted();  // a signal has arrived
[[noreturn]] void throw_interrupted();
// Throws Interrupted when a signal has arrived.
void throw_if_interrupted();

}  // namespace serendip
