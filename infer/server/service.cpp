#include "infer/server/service.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <random>

#include "base/file.h"
#include "infer/server/lookups.h"
#include "infer/server/page.h"
#include "infer/server/problem.h"
#include "infer/server/recommend.h"

namespace serendip::server {
namespace {

constexpr int64_t kSafeIntegerMask = (int64_t{1} << 53) - 1;
constexpr double kSecondsPerDay = 86'400;

std::string read_token(const std::string& path) {
  if (path.empty()) return {};
  std::string token = read_file(path);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  SERENDIP_CHECK(!token.empty(), "{}: expected a token, got an empty file", path);
  return token;
}

HttpResponse json_response(const nlohmann::ordered_json& body) {
  return {200, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"};
}

// What an exception says to the client.
HttpResponse failure_response() {
  try {
    throw;
  } catch (const Problem& problem) {
    return problem_response(problem.status(), problem.what(), problem.header());
  } catch (const std::exception& error) {
    const std::string message = error.what();
    spdlog::error("a request failed: {}", message.substr(0, message.find('\n')));
    return problem_response(500, "the server failed; its log says why");
  }
}

bool matches(const Route& route, const std::string& path) {
  if (!route.path.ends_with('/') || route.path == "/") return path == route.path;
  return path.starts_with(route.path) && path.size() > route.path.size() &&
         path.find('/', route.path.size()) == std::string::npos;
}

// Throws Problem 404, or 405 for a path that other methods have.
const Route& find_route(const std::vector<Route>& routes, const HttpRequest& request) {
  std::string other;
  for (const Route& route : routes) {
    if (!matches(route, request.path)) continue;
    if (route.method == request.method) return route;
    other = route.method;
  }
  if (!other.empty())
    throw Problem(405, fmt::format("{}: expected {}, got {}", request.path, other, request.method),
                  {"Allow", other});
  refuse(404, "no such path");
}

void check_json(const HttpRequest& request) {
  const std::string type = request.content_type.substr(0, request.content_type.find(';'));
  if (type != "application/json")
    refuse(415, "Content-Type: expected application/json, got '{}'", type);
}

void check_token(const HttpRequest& request, const std::string& token) {
  if (!token.empty() && !equal_tokens(request.authorization, "Bearer " + token))
    throw Problem(401, "Authorization: expected a bearer token that is known",
                  {"WWW-Authenticate", "Bearer"});
}

}  // namespace

const std::vector<Route>& public_routes() {
  static const std::vector<Route> kRoutes = {
      {"GET", "/", "page", true},
      {"GET", "/healthz", "healthz", true},
      {"GET", "/readyz", "readyz", true},
      {"GET", "/metrics", "metrics"},
      {"GET", "/v1/interests", "interests"},
      {"GET", "/v1/clusters", "clusters"},
      {"GET", "/v1/clusters/", "cluster"},
      {"POST", "/v1/recommend", "recommend"},
      {"POST", "/v1/recommend:batch", "recommend_batch"},
  };
  return kRoutes;
}

const std::vector<Route>& admin_routes() {
  static const std::vector<Route> kRoutes = {{"POST", "/admin/reload", "reload"}};
  return kRoutes;
}

bool equal_tokens(std::string_view given, std::string_view expected) {
  volatile unsigned char difference = given.size() == expected.size() ? 0 : 1;
  for (size_t at = 0; at < given.size(); ++at)
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(given[at]) ^
                      static_cast<unsigned char>(expected[at % expected.size()])));
  return difference == 0;
}

// A recommendation, or several in one request, on its way.
struct Service::Work {
  const Route& route;
  HttpRequest request;
  Reply reply;
  std::shared_ptr<const Snapshot> snapshot = nullptr;
  std::vector<Plan> plans = {};
};

Service::Service(const ServeOptions& options, Loader loader, Metrics& metrics)
    : options_(options),
      loader_(std::move(loader)),
      metrics_(metrics),
      token_(read_token(options.token_file)),
      current_(loader_()),
      workers_(static_cast<size_t>(options.workers)),
      batcher_(options.batch, std::chrono::duration<double, std::milli>(options.batch_wait_ms),
               metrics) {
  metrics_.snapshot(version());
}

Service::~Service() {
  if (reload_thread_.joinable()) reload_thread_.join();
}

void Service::handle(HttpRequest request, const Reply& reply) {
  const Route* route = nullptr;
  try {
    route = &find_route(public_routes(), request);
    if (!route->open) check_token(request, token_);
    if (route->method == "POST") return recommend(*route, std::move(request), reply);
    HttpResponse response = look_up(*route, request);
    response.route = route->name;
    reply(std::move(response));
  } catch (...) {
    HttpResponse response = failure_response();
    if (route != nullptr) response.route = route->name;
    reply(std::move(response));
  }
}

HttpResponse Service::look_up(const Route& route, const HttpRequest& request) {
  if (route.name == "page") {
    HttpResponse page{200, std::string(web_page()), "text/html; charset=utf-8"};
    page.headers.push_back({"Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'; script-src "
                            "'unsafe-inline'; connect-src 'self'; img-src data:"});
    return page;
  }
  if (route.name == "healthz") return json_response({{"status", "ok"}});
  if (route.name == "readyz") {
    if (draining_) throw Problem(503, "the server is shutting down", retry_soon());
    return json_response({{"status", "ready"}, {"version", version()}});
  }
  if (route.name == "metrics") return {200, metrics_.text(), "text/plain; version=0.0.4"};
  const std::shared_ptr<const Snapshot> snapshot = current_.get();
  if (route.name == "interests")
    return json_response(interests_answer(*snapshot, parse_interests(request.query, {})));
  if (route.name == "clusters") return json_response(clusters_answer(*snapshot));
  const std::optional<int32_t> cluster = parse_index(request.path.substr(route.path.size()));
  if (!cluster) refuse(404, "cluster: expected a number");
  return json_response(cluster_answer(*snapshot, *cluster));
}

void Service::recommend(const Route& route, HttpRequest request, const Reply& reply) {
  check_json(request);
  if (under_way_ >= options_.queue)
    throw Problem(503, fmt::format("{} recommendations are under way", options_.queue),
                  retry_soon());
  metrics_.under_way(++under_way_);
  const auto work = std::make_shared<Work>(Work{route, std::move(request), reply});
  on_worker(work, [this, work] { plan(work); });
}

void Service::on_worker(const std::shared_ptr<Work>& work, std::function<void()> step) {
  boost::asio::post(workers_, [this, work, step = std::move(step)] {
    try {
      step();
    } catch (...) {
      finish(*work, failure_response());
    }
  });
}

void Service::finish(Work& work, HttpResponse response) {
  metrics_.under_way(--under_way_);
  response.route = work.route.name;
  work.reply(std::move(response));
}

void Service::plan(const std::shared_ptr<Work>& work) {
  const Clock::time_point started = Clock::now();
  const std::chrono::duration<double> waited = started - work->request.arrived;
  const std::chrono::duration<double, std::milli> longest(options_.max_wait_ms);
  metrics_.stage(Stage::kWorkerWait, waited.count());
  if (waited > longest) throw Problem(503, "waited too long for a worker", retry_soon());

  const RequestLimits limits{.max_history = options_.max_history};
  std::vector<RecommendRequest> requests;
  if (work->route.name == "recommend")
    requests.push_back(parse_recommend(work->request.body, limits));
  else
    requests = parse_recommend_batch(work->request.body, limits);
  work->snapshot = current_.get();
  BatchJob job{work->snapshot,
               {},
               work->request.arrived + std::chrono::duration_cast<Clock::duration>(longest),
               {}};
  for (RecommendRequest& request : requests) {
    if (!request.seed)
      request.seed = static_cast<int64_t>(std::random_device()()) << 21 & kSafeIntegerMask;
    if (!request.now) request.now = std::time(nullptr);
    work->plans.push_back(plan_recommendation(
        *work->snapshot, request, static_cast<int64_t>(options_.history_days * kSecondsPerDay)));
    if (needs_model(work->plans.back())) job.requests.push_back(model_request(work->plans.back()));
  }
  metrics_.stage(Stage::kPlan, seconds_since(started));
  if (job.requests.empty()) return answer(*work, {});
  job.done = [this, work](RankedLists lists, const std::exception_ptr& failure) {
    on_worker(work, [this, work, lists = std::move(lists), failure] {
      if (failure) std::rethrow_exception(failure);
      answer(*work, lists);
    });
  };
  batcher_.submit(std::move(job));
}

void Service::answer(Work& work, const RankedLists& lists) {
  const Clock::time_point started = Clock::now();
  nlohmann::ordered_json answers = nlohmann::ordered_json::array();
  auto next = lists.begin();
  for (Plan& plan : work.plans) {
    answers.push_back(recommendation_answer(
        *work.snapshot, plan, needs_model(plan) ? *next++ : RankedLists::value_type()));
    for (const Fallback fallback : plan.fallbacks) metrics_.fallback(fallback);
  }
  const bool single = work.route.name == "recommend";
  HttpResponse response = json_response(
      single ? answers[0]
             : nlohmann::ordered_json{{"version", work.snapshot->version}, {"answers", answers}});
  metrics_.stage(Stage::kAnswer, seconds_since(started));
  work.snapshot.reset();
  finish(work, std::move(response));
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): as the other port's handler is called
void Service::handle_admin(HttpRequest request, const Reply& reply) {
  try {
    find_route(admin_routes(), request);
    check_token(request, token_);
    if (request.has_origin) refuse(403, "Origin: expected none: this is not for web pages");
    reload([reply](HttpResponse response) {
      response.route = "reload";
      reply(std::move(response));
    });
  } catch (...) {
    reply(failure_response());
  }
}

void Service::reload(std::function<void(HttpResponse)> done) {
  if (reloading_.exchange(true)) return done(problem_response(409, "a reload is under way"));
  if (reload_thread_.joinable()) reload_thread_.join();
  reload_thread_ = std::thread([this, done = std::move(done)] { load_and_serve(done); });
}

void Service::load_and_serve(const std::function<void(HttpResponse)>& done) {
  const Clock::time_point started = Clock::now();
  try {
    std::shared_ptr<const Snapshot> next = loader_();
    const std::string version = next->version;
    std::shared_ptr<const Snapshot> before = current_.replace(std::move(next));
    metrics_.snapshot(version);
    spdlog::info("reloaded in {:.2f} s: version {} in place of {}", seconds_since(started), version,
                 before->version);
    before.reset();
    malloc_trim(0);  // what it held would otherwise stay with the process
    reloading_ = false;
    done(json_response({{"version", version}}));
  } catch (const std::exception& error) {
    const std::string message = error.what();
    metrics_.reload_failed();
    spdlog::error("not reloaded, the old version is kept: {}", message);
    reloading_ = false;
    done(problem_response(
        500, "not reloaded, the old version is kept: " + message.substr(0, message.find('\n'))));
  }
}

}  // namespace serendip::server
