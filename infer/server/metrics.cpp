#include "infer/server/metrics.h"

#include <prometheus/text_serializer.h>

#include <sstream>

#include "base/process.h"

namespace serendip::server {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using Buckets = prometheus::Histogram::BucketBoundaries;

const Buckets& second_buckets() {
  static const Buckets kBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                   0.025,  0.05,    0.1,    0.25,  0.5,    1.0};
  return kBuckets;
}

const char* stage_name(size_t stage) {
  static constexpr const char* kNames[kStages] = {"worker_wait", "plan", "model_wait", "model",
                                                  "answer"};
  return kNames[stage];
}

template <typename Builder>
auto& family(Builder builder, const char* name, const char* help, prometheus::Registry& registry) {
  return builder.Name(std::string("serendip_") + name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      requests_(
          family(BuildCounter(), "requests_total", "Requests by route and status", *registry_)),
      seconds_(family(BuildHistogram(), "request_seconds",
                      "From a request's last byte to its answer's, by route", *registry_)),
      version_(
          family(BuildGauge(), "snapshot_served", "1 for the version that is served", *registry_)),
      batch_(family(BuildHistogram(), "batch_histories", "Histories in a batch of the model",
                    *registry_)
                 .Add({}, Buckets{1, 2, 4, 8, 16, 32, 64})),
      under_way_(family(BuildGauge(), "recommendations_under_way", "Admitted and not answered yet",
                        *registry_)
                     .Add({})),
      connections_(
          family(BuildGauge(), "connections_open", "Open connections", *registry_).Add({})),
      memory_(
          family(BuildGauge(), "resident_memory_bytes", "Resident set of the process", *registry_)
              .Add({})),
      loads_(
          family(BuildCounter(), "snapshot_loads_total", "Snapshots loaded and served", *registry_)
              .Add({})),
      reloads_failed_(family(BuildCounter(), "reload_failures_total",
                             "Reloads that failed, the old snapshot kept", *registry_)
                          .Add({})) {
  auto& stages =
      family(BuildHistogram(), "stage_seconds", "Stages of a recommendation", *registry_);
  for (size_t stage = 0; stage < stages_.size(); ++stage)
    stages_[stage] = &stages.Add({{"stage", stage_name(stage)}}, second_buckets());
  auto& fallbacks =
      family(BuildCounter(), "fallbacks_total", "Fallbacks named in answers", *registry_);
  for (size_t at = 0; at < fallbacks_.size(); ++at)
    fallbacks_[at] = &fallbacks.Add({{"fallback", fallback_name(static_cast<Fallback>(at))}});
}

void Metrics::exchange(const Exchange& exchange) {
  requests_.Add({{"route", exchange.route}, {"status", std::to_string(exchange.status)}})
      .Increment();
  seconds_.Add({{"route", exchange.route}}, second_buckets()).Observe(exchange.seconds);
}

void Metrics::snapshot(const std::string& version) {
  loads_.Increment();
  if (served_ != nullptr) version_.Remove(served_);
  served_ = &version_.Add({{"version", version}});
  served_->Set(1);
}

std::string Metrics::text() const {
  memory_.Set(static_cast<double>(resident_memory_bytes()));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry_->Collect());
  return out.str();
}

}  // namespace serendip::server
