// What is wrong with a request, as HTTP tells it (RFC 9457, application/problem+json).
#pragma once

#include <string>

#include "base/check.h"

namespace serendip::server {

// Answered with `status` and the message as the problem's detail; retry_after in seconds, 0 = none.
class Problem : public Error {
 public:
  Problem(int status, const std::string& detail, int retry_after = 0)
      : Error(detail), status_(status), retry_after_(retry_after) {}

  int status() const { return status_; }
  int retry_after() const { return retry_after_; }

 private:
  int status_, retry_after_;
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
