#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>

namespace serendip {

void set_up_logging() {
  auto logger = spdlog::stderr_color_mt("serendip");
  logger->set_pattern("%H:%M:%S %^%-5l%$ %v");
  const char* level = std::getenv("SERENDIP_LOG_LEVEL");
  logger->set_level(level ? spdlog::level::from_str(level) : spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log_warnings_only() { spdlog::set_level(spdlog::level::warn); }

}  // namespace serendip
