// Log lines go to stderr as "12:01:05 info  message"; results go to stdout.
#pragma once

#include <spdlog/spdlog.h>

namespace serendip {

// Called once by main. SERENDIP_LOG_LEVEL = debug, info (default), warn, error.
void set_up_logging();
// For the processes of a job beside its first: neither information nor progress.
void log_warnings_only();

}  // namespace serendip
