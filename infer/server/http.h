// What HTTP hands to the service and back, free of any library's types.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "infer/server/problem.h"

namespace serendip::server {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct HttpRequest {
  std::string method, path, query;  // path as sent, without decoding
  std::string authorization, content_type, body;
  bool has_origin = false;    // sent by a page in a browser
  std::string remote;         // address
  Clock::time_point arrived;  // with its last byte
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<HttpHeader> headers = {};
  std::string route = "none";  // its name in logs and metrics
};

// To be called once, from any thread.
using Reply = std::function<void(HttpResponse)>;
// Called on the thread of the sockets: must not wait.
using Handler = std::function<void(HttpRequest, Reply)>;

// A request and its answer, once that is written or has failed to be.
struct Exchange {
  std::string remote, method, path, route;
  int status = 0;
  size_t bytes_in = 0, bytes_out = 0;  // of the bodies
  double seconds = 0;                  // from the request's last byte to the answer's
};

struct HttpSettings {
  int64_t max_body_bytes = 256 * 1024;
  int64_t max_connections = 20'000;
  double idle_seconds = 60;
  double request_seconds = 10;
  Handler handler;
  std::function<void(const Exchange&)> observer;
};

HttpResponse problem_response(int status, const std::string& detail, const HttpHeader& header = {});

}  // namespace serendip::server
