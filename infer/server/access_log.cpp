#include "infer/server/access_log.h"

#include <fmt/chrono.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/check.h"

namespace serendip::server {

AccessLog::AccessLog(const std::string& path) {
  if (path.empty()) return;
  try {
    const spdlog::sink_ptr sink =
        path == "-" ? spdlog::sink_ptr(std::make_shared<spdlog::sinks::stdout_sink_st>())
                    : std::make_shared<spdlog::sinks::basic_file_sink_st>(path);
    logger_ = std::make_shared<spdlog::logger>("access", sink);
    logger_->set_pattern("%v");
  } catch (const spdlog::spdlog_ex& error) {
    fail("{}: cannot open: {}", path, error.what());
  }
}

void AccessLog::write(const Exchange& exchange) {
  if (!logger_) return;
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const nlohmann::ordered_json line = {{"time", fmt::format("{:%FT%T}Z", now)},
                                       {"remote", exchange.remote},
                                       {"method", exchange.method},
                                       {"path", exchange.path},
                                       {"route", exchange.route},
                                       {"status", exchange.status},
                                       {"bytes_in", exchange.bytes_in},
                                       {"bytes_out", exchange.bytes_out},
                                       {"ms", std::round(exchange.seconds * 1e6) / 1e3}};
  logger_->info(line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
  if (seconds_since(flushed_) >= 1) flush();
}

void AccessLog::flush() {
  if (logger_) logger_->flush();
  flushed_ = Clock::now();
}

}  // namespace serendip::server
