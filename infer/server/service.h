// Routes, and what happens behind each.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "infer/server/batcher.h"
#include "infer/server/http.h"
#include "infer/server/metrics.h"
#include "infer/server/options.h"
#include "infer/server/snapshot.h"

namespace serendip::server {

// One route of the public port or the admin port.
struct Route {
  std::string method, path;  // a path that ends in "/" takes one more part
  std::string name;          // in logs and metrics
  bool open = false;         // without a token
};
const std::vector<Route>& public_routes();
const std::vector<Route>& admin_routes();

// Takes the same time for every token of the same length.
bool equal_tokens(std::string_view given, std::string_view expected);

// Look-ups are answered at once; recommendations go to a bounded pool of workers, then to the
// sequence model, then to a worker again.
class Service {
 public:
  using Loader = std::function<std::shared_ptr<const Snapshot>()>;

  // Loads the first snapshot; throws what `loader` throws. Throws Error for a token file that
  // cannot be read or is empty.
  Service(const ServeOptions& options, Loader loader, Metrics& metrics);
  ~Service();  // after the work under way

  void handle(HttpRequest request, const Reply& reply);
  void handle_admin(HttpRequest request, const Reply& reply);
  // Loads a new snapshot on a thread of its own and then serves that, or keeps the old one where it
  // cannot be loaded. Calls `done` with the answer: 200, 409 while another reload is under way,
  // 500.
  void reload(std::function<void(HttpResponse)> done);
  // From now on /readyz says no.
  void drain() { draining_ = true; }
  std::string version() const { return current_.get()->version; }

 private:
  struct Work;

  HttpResponse look_up(const Route& route, const HttpRequest& request);
  void recommend(const Route& route, HttpRequest request, const Reply& reply);
  void plan(const std::shared_ptr<Work>& work);
  void answer(Work& work, const RankedLists& lists);
  void finish(Work& work, HttpResponse response);
  // Runs `step` on a worker; what it throws is the answer.
  void on_worker(const std::shared_ptr<Work>& work, std::function<void()> step);
  void load_and_serve(const std::function<void(HttpResponse)>& done);

  ServeOptions options_;
  Loader loader_;
  Metrics& metrics_;
  std::string token_;
  CurrentSnapshot current_;
  std::atomic<bool> draining_ = false, reloading_ = false;
  std::atomic<int64_t> under_way_ = 0;
  std::thread reload_thread_;
  boost::asio::thread_pool workers_;
  Batcher batcher_;
};

}  // namespace serendip::server
