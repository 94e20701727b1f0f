// What the server counts, in Prometheus' text form.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "infer/server/http.h"
#include "infer/server/recommend.h"

namespace serendip::server {

enum class Stage {
  kWorkerWait,  // from the request's last byte to a worker
  kPlan,        // JSON, context, table
  kModelWait,
  kModel,   // a batch
  kAnswer,  // JSON
};
constexpr int kStages = 5;

// Safe to use from several threads.
class Metrics {
 public:
  Metrics();

  void exchange(const Exchange& exchange);
  void stage(Stage stage, double seconds) { stages_[static_cast<size_t>(stage)]->Observe(seconds); }
  void fallback(Fallback fallback) { fallbacks_[static_cast<size_t>(fallback)]->Increment(); }
  void batch(size_t histories) { batch_.Observe(static_cast<double>(histories)); }
  void under_way(int64_t recommendations) { under_way_.Set(static_cast<double>(recommendations)); }
  void connections(int64_t open) { connections_.Set(static_cast<double>(open)); }
  // A snapshot is served from now on.
  void snapshot(const std::string& version);
  void reload_failed() { reloads_failed_.Increment(); }

  std::string text() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& seconds_;
  prometheus::Family<prometheus::Gauge>& version_;
  prometheus::Gauge* served_ = nullptr;
  std::array<prometheus::Histogram*, kStages> stages_;
  std::array<prometheus::Counter*, kFallbacks> fallbacks_;
  prometheus::Histogram& batch_;
  prometheus::Gauge &under_way_, &connections_, &memory_;
  prometheus::Counter &loads_, &reloads_failed_;
};

}  // namespace serendip::server
