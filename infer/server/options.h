// The recipe's section "serve".
#pragma once

#include <cstdint>
#include <string>

#include "base/options.h"

namespace serendip::server {

struct ServeOptions {
  std::string address = "127.0.0.1";
  int64_t port = 8080;
  int64_t admin_port = 8081;
  int64_t workers = 2;
  int64_t queue = 64;
  double max_wait_ms = 40;
  int64_t batch = 32;
  double batch_wait_ms = 0;
  int64_t max_body_bytes = 256 * 1024;
  int64_t max_history = 10'000;
  int64_t max_connections = 20'000;
  double idle_seconds = 60;
  double request_seconds = 10;
  double drain_seconds = 10;
  double history_days = 30;
  std::string token_file;
  std::string access_log = "-";

  void declare(OptionSet& set);
};

}  // namespace serendip::server
