#include "infer/server/serve.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <optional>

#include "infer/server/access_log.h"
#include "infer/server/http_listener.h"
#include "infer/server/metrics.h"
#include "infer/server/service.h"

namespace serendip::server {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kTick(100);

// A connection is a descriptor: as many as the system allows.
void raise_descriptor_limit(int64_t connections) {
  constexpr int64_t kOthers = 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur != RLIM_INFINITY &&
      static_cast<int64_t>(limit.rlim_cur) < connections + kOthers)
    spdlog::warn("serve.max_connections is {}, but the system allows {} open files", connections,
                 limit.rlim_cur);
}

class Server {
 public:
  Server(const ServeOptions& options, const SnapshotFiles& files, const MiningRule& rule)
      : options_(options),
        access_log_(options.access_log),
        service_(
            std::in_place, options,
            [files, rule] { return std::make_shared<const Snapshot>(files, rule); }, metrics_),
        listener_(io_, options.address, options.port, settings(&Service::handle)),
        admin_(io_, "127.0.0.1", options.admin_port, settings(&Service::handle_admin)) {}

  void run() {
    wait_for_signal();
    tick();
    spdlog::info("ready: http://{}, reload at http://{}/admin/reload, version {}",
                 listener_.endpoint(), admin_.endpoint(), service_->version());
    io_.run();
    access_log_.flush();
  }

 private:
  HttpSettings settings(void (Service::*handle)(HttpRequest, const Reply&)) {
    HttpSettings result;
    result.max_body_bytes = options_.max_body_bytes;
    result.max_connections = options_.max_connections;
    result.idle_seconds = options_.idle_seconds;
    result.request_seconds = options_.request_seconds;
    result.handler = [this, handle](HttpRequest request, const Reply& reply) {
      if (!service_) return reply(problem_response(503, "the server has shut down", retry_soon()));
      ((*service_).*handle)(std::move(request), reply);
    };
    result.observer = [this](const Exchange& exchange) {
      metrics_.exchange(exchange);
      access_log_.write(exchange);
    };
    return result;
  }

  void wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
      if (error || !service_) return;
      if (signal == SIGHUP)
        service_->reload([](const HttpResponse&) {});
      else
        drain();
      wait_for_signal();
    });
  }

  void tick() {
    ticker_.expires_after(kTick);
    ticker_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      metrics_.connections(listener_.connections());
      access_log_.flush();
      if (draining_ && (busy() == 0 || Clock::now() > drain_until_)) return stop();
      tick();
    });
  }

  int64_t busy() const { return listener_.busy() + admin_.busy(); }

  // The second time, without waiting.
  void drain() {
    if (draining_) return stop();
    draining_ = true;
    drain_until_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                      std::chrono::duration<double>(options_.drain_seconds));
    spdlog::info("shutting down: {} requests under way", busy());
    service_->drain();
    listener_.drain();
    admin_.drain();
  }

  // Ends io_'s work: what workers still answer finds its connection closed.
  void stop() {
    if (busy() > 0) spdlog::warn("{} requests were cut off", busy());
    boost::system::error_code ignored;
    signals_.cancel(ignored);
    ticker_.cancel(ignored);
    listener_.abort();
    admin_.abort();
    service_.reset();
  }

  ServeOptions options_;
  Metrics metrics_;
  AccessLog access_log_;
  asio::io_context io_{1};
  std::optional<Service> service_;
  HttpListener listener_, admin_;
  asio::signal_set signals_{io_, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer ticker_{io_};
  bool draining_ = false;
  Clock::time_point drain_until_;
};

}  // namespace

void serve(const ServeOptions& options, const SnapshotFiles& files, const MiningRule& rule) {
  raise_descriptor_limit(options.max_connections);
  Server(options, files, rule).run();
}

}  // namespace serendip::server
