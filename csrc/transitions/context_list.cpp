#include "transitions/context_list.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/check.h"

namespace serendip {
namespace {

constexpr int64_t kMostRows = INT32_MAX;

}  // namespace

ContextList ContextList::all(int64_t cluster_count, int64_t context_size) {
  ContextList list;
  list.cluster_count_ = cluster_count;
  list.context_size_ = context_size;
  list.is_all_ = true;
  list.rows_ = 1;
  for (int64_t place = 0; place < context_size; ++place) {
    SERENDIP_CHECK(list.rows_ <= kMostRows / std::max<int64_t>(1, cluster_count),
                   "expected at most {} contexts, got all {}^{}; list some", kMostRows,
                   cluster_count, context_size);
    list.rows_ *= cluster_count;
  }
  return list;
}

ContextList ContextList::listed(int64_t cluster_count, int64_t context_size,
                                const std::vector<int32_t>& contexts) {
  const auto size = static_cast<size_t>(context_size);
  SERENDIP_CHECK(size > 0 && contexts.size() % size == 0, "expected contexts of {}, got {} values",
                 context_size, contexts.size());
  for (const int32_t cluster : contexts)
    SERENDIP_CHECK(0 <= cluster && cluster < cluster_count,
                   "context: expected clusters below {}, got {}", cluster_count, cluster);
  std::vector<size_t> order(contexts.size() / size);
  std::iota(order.begin(), order.end(), size_t{0});
  const auto at = [&](size_t row) { return std::span(contexts).subspan(row * size, size); };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::lexicographical_compare(at(a).begin(), at(a).end(), at(b).begin(), at(b).end());
  });
  order.erase(std::unique(order.begin(), order.end(),
                          [&](size_t a, size_t b) {
                            return std::equal(at(a).begin(), at(a).end(), at(b).begin());
                          }),
              order.end());
  ContextList list;
  list.cluster_count_ = cluster_count;
  list.context_size_ = context_size;
  list.rows_ = static_cast<int64_t>(order.size());
  for (const size_t row : order)
    list.contexts_.insert(list.contexts_.end(), at(row).begin(), at(row).end());
  return list;
}

std::vector<int32_t> ContextList::operator[](int64_t row) const {
  std::vector<int32_t> context(static_cast<size_t>(context_size_));
  if (!is_all_) {
    std::copy_n(contexts_.begin() + row * context_size_, context_size_, context.begin());
    return context;
  }
  for (auto cluster = context.rbegin(); cluster != context.rend(); ++cluster) {
    *cluster = static_cast<int32_t>(row % cluster_count_);
    row /= cluster_count_;
  }
  return context;
}

std::optional<int64_t> ContextList::find(std::span<const int32_t> context) const {
  if (static_cast<int64_t>(context.size()) != context_size_) return std::nullopt;
  if (is_all_) {
    int64_t row = 0;
    for (const int32_t cluster : context) {
      if (cluster < 0 || cluster >= cluster_count_) return std::nullopt;
      row = row * cluster_count_ + cluster;
    }
    return row;
  }
  int64_t low = 0, high = rows_;  // the first row that is not less
  const auto at = [&](int64_t row) { return contexts_.begin() + row * context_size_; };
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (std::lexicographical_compare(at(middle), at(middle + 1), context.begin(), context.end()))
      low = middle + 1;
    else
      high = middle;
  }
  if (low == rows_ || !std::equal(context.begin(), context.end(), at(low))) return std::nullopt;
  return low;
}

std::vector<int32_t> read_contexts(const std::filesystem::path& path, int64_t context_size) {
  std::ifstream in(path);
  SERENDIP_CHECK(in.good(), "{}: cannot open", path.string());
  std::vector<int32_t> contexts;
  std::string line;
  for (int64_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    try {
      const auto context = nlohmann::json::parse(line).at("context").get<std::vector<int32_t>>();
      SERENDIP_CHECK(static_cast<int64_t>(context.size()) == context_size, "got {} clusters",
                     context.size());
      contexts.insert(contexts.end(), context.begin(), context.end());
    } catch (const std::exception& error) {
      fail("{}: line {}: expected {{\"context\": [{} clusters]}}: {}", path.string(), number,
           context_size, error.what());
    }
  }
  SERENDIP_CHECK(!contexts.empty(), "{}: expected contexts, got none", path.string());
  return contexts;
}

}  // namespace serendip
