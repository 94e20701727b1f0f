// What is wrong with a request, as HTTP tells it (RFC 9457, application/problem+json).
#pragma once

#include <string>
#include <utility>

#include "base/check.h"

namespace serendip::server {

struct HttpHeader {
  std::string name, value;  // no name: none
};
// With a 503: seconds.
inline HttpHeader retry_soon() { return {"Retry-After", "1"}; }

// Answered with `status`, the message as the problem's detail, and one more header.
class Problem : public Error {
 public:
  Problem(int status, const std::string& detail, HttpHeader header = {})
      : Error(detail), status_(status), header_(std::move(header)) {}

  int status() const { return status_; }
  const HttpHeader& header() const { return header_; }

 private:
  int status_;
  HttpHeader header_;
};

template <typename... Args>
[[noreturn]] void refuse(int status, fmt::format_string<Args...> format, Args&&... args) {
  throw Problem(status, fmt::format(format, std::forward<Args>(args)...));
}

// The standard's phrase for the status codes that the server uses.
const char* status_phrase(int status);
// {"type", "title", "status", "detail"}; bytes that are no UTF-8 are replaced.
std::string problem_body(int status, const std::string& detail);

}  // namespace serendip::server
