// One JSON line a request.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>

#include "infer/server/http.h"

namespace serendip::server {

class AccessLog {
 public:
  // To a file, appended; "-" is stdout, "" nowhere. Throws Error when the file cannot be opened.
  explicit AccessLog(const std::string& path);
  // {"time", "remote", "method", "path", "route", "status", "bytes_in", "bytes_out", "ms"}; lines
  // reach the file within a second.
  void write(const Exchange& exchange);
  void flush();

 private:
  std::shared_ptr<spdlog::logger> logger_;
  Clock::time_point flushed_ = Clock::now();
};

}  // namespace serendip::server
