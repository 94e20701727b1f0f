#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "infer/server/problem.h"
#include "infer/server/request.h"

namespace serendip::server {
namespace {

// A Problem is the expected answer to hostile bytes, and its body must be JSON that can be sent.
template <typename Parse>
void try_to(const Parse& parse) {
  try {
    parse();
  } catch (const Problem& problem) {
    if (problem.status() < 400 || problem_body(problem.status(), problem.what()).empty()) abort();
  }
}

}  // namespace
}  // namespace serendip::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace serendip::server;  // NOLINT(google-build-using-namespace)
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const RequestLimits limits{.max_history = 100};
  try_to([&] {
    const RecommendRequest request = parse_recommend(text, limits);
    if (request.history.size() > 100 || request.items < 1 || request.items > limits.max_items ||
        request.interests < 1 || request.interests > limits.max_interests)
      abort();
  });
  try_to([&] {
    const auto requests = parse_recommend_batch(text, limits);
    if (requests.empty() || requests.size() > 64) abort();
  });
  try_to([&] {
    if (parse_interests(text, limits).context.empty()) abort();
  });
  parse_index(text);
  return 0;
}
