// Where a kernel's source calls a word of the shim.
#pragma once

#include <cstring>
#include <string>

namespace cuda_on_host {

// A default argument of Source::here() is the caller's place.
struct Source {
  const char* file = "";
  int line = 0;
  static constexpr Source here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

// A word and where it is called: threads that wait in the same call meet.
struct Call {
  const char* word = "";
  Source source;
};

inline bool same_text(const char* one, const char* other) {
  return one == other || std::strcmp(one, other) == 0;
}

inline bool operator==(const Call& one, const Call& other) {
  return one.source.line == other.source.line && same_text(one.word, other.word) &&
         same_text(one.source.file, other.source.file);
}

inline std::string text_of(const Call& call) {
  return std::string(call.word) + " (" + call.source.file + ":" + std::to_string(call.source.line) +
         ")";
}

}  // namespace cuda_on_host
