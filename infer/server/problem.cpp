#include "infer/server/problem.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace serendip::server {

const char* status_phrase(int status) {
  static constexpr std::pair<int, const char*> kPhrases[] = {
      {200, "OK"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {503, "Service Unavailable"},
  };
  const auto* const found = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                         [&](const auto& entry) { return entry.first == status; });
  return found == std::end(kPhrases) ? "Error" : found->second;
}

std::string problem_body(int status, const std::string& detail) {
  const nlohmann::ordered_json problem = {{"type", "about:blank"},
                                          {"title", status_phrase(status)},
                                          {"status", status},
                                          {"detail", detail}};
  return problem.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace serendip::server
