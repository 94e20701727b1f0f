// The one way to fail: a check that throws with what was expected and what was found.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace serendip {

// The run cannot go on: bad input, a missing file, a full disk. `main` prints it as one line,
// exit 1.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The command line itself is wrong; exit 2.
class MisuseError : public Error {
 public:
  using Error::Error;
};

// SIGINT or SIGTERM arrived; work so far is kept; exit 130.
class Interrupted : public Error {
 public:
  using Error::Error;
};

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace serendip

// Throws serendip::Error with the formatted message unless `condition` holds.
#define SERENDIP_CHECK(condition, ...) \
  do {                                 \
    if (!(condition)) [[unlikely]]     \
      ::serendip::fail(__VA_ARGS__);   \
  } while (false)
