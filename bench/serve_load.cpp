// serve_load PORT interests|recommend RATE SECONDS [CONNECTIONS ITEMS CLUSTERS]: an open loop.
// Request i is due at i / RATE, whether those before it are answered or not, and its latency counts
// from then: a server that stalls is charged for every request that waited. Prints one JSON line.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"

namespace serendip {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr size_t kDistinctRequests = 4096;
constexpr int64_t kHistory = 50;

struct Load {
  int port = 0;
  std::string kind;
  double rate = 0, seconds = 0;
  int64_t connections = 64, items = 1'000'000, clusters = 761;
};

std::string make_request(const Load& load, Random& random) {
  const auto below = [&](int64_t count) { return random.below(static_cast<uint64_t>(count)); };
  if (load.kind == "interests")
    return fmt::format("GET /v1/interests?context={},{} HTTP/1.1\r\nHost: bench\r\n\r\n",
                       below(load.clusters), below(load.clusters));
  std::string body = "{\"history\": [";
  for (int64_t event = 0; event < kHistory; ++event)
    body +=
        fmt::format("{}{{\"item\": \"item{}\", \"time\": {}, \"quality\": {}}}", event ? ", " : "",
                    below(load.items), 1'700'000'000 + event * 60, 1 + below(5));
  body += "], \"k\": 10, \"now\": 1700010000}";
  return fmt::format(
      "POST /v1/recommend HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\n\r\n{}",
      body.size(), body);
}

class Generator {
 public:
  explicit Generator(const Load& load) : load_(load), ticker_(io_) {
    Random random(7);
    for (size_t at = 0; at < kDistinctRequests; ++at) texts_.push_back(make_request(load, random));
    for (int64_t at = 0; at < load.connections; ++at) {
      auto& connection = connections_.emplace_back(std::make_unique<Connection>(io_));
      connection->socket.connect(
          {asio::ip::address_v4::loopback(), static_cast<uint16_t>(load.port)});
      connection->socket.set_option(tcp::no_delay(true));
      free_.push_back(connection.get());
    }
  }

  void run() {
    started_ = Clock::now();
    tick();
    io_.run();
    print();
  }

 private:
  struct Connection {
    explicit Connection(asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    boost::beast::flat_buffer buffer;
    http::response<http::string_body> response;
    Clock::time_point due;
  };

  Clock::time_point due(int64_t number) const {
    return started_ + std::chrono::nanoseconds(
                          static_cast<int64_t>(1e9 * static_cast<double>(number) / load_.rate));
  }

  void tick() {
    const auto all = static_cast<int64_t>(load_.rate * load_.seconds);
    while (next_ < all && due(next_) <= Clock::now()) waiting_.push_back(due(next_++));
    send_waiting();
    if (next_ == all) return;
    ticker_.expires_at(due(next_));
    ticker_.async_wait([this](const boost::system::error_code&) { tick(); });
  }

  void send_waiting() {
    while (!waiting_.empty() && !free_.empty()) {
      Connection& connection = *free_.front();
      free_.pop_front();
      connection.due = waiting_.front();
      waiting_.pop_front();
      asio::async_write(connection.socket, asio::buffer(texts_[sent_++ % texts_.size()]),
                        [this, &connection](const boost::system::error_code& error, size_t) {
                          if (error) return fail_one();
                          read(connection);
                        });
    }
  }

  void read(Connection& connection) {
    connection.response = {};
    http::async_read(connection.socket, connection.buffer, connection.response,
                     [this, &connection](const boost::system::error_code& error, size_t) {
                       if (error) return fail_one();
                       const std::chrono::duration<double, std::milli> taken =
                           Clock::now() - connection.due;
                       const unsigned status = connection.response.result_int();
                       if (status == 200) accepted_.push_back(taken.count());
                       refused_ += status == 503;
                       failed_ += status != 200 && status != 503;
                       last_ = Clock::now();
                       free_.push_back(&connection);
                       send_waiting();
                     });
  }

  void fail_one() { ++failed_; }

  double percentile(double share) const {
    if (accepted_.empty()) return 0;
    return accepted_[static_cast<size_t>(share * static_cast<double>(accepted_.size() - 1))];
  }

  void print() {
    std::sort(accepted_.begin(), accepted_.end());
    const double taken = std::chrono::duration<double>(last_ - started_).count();
    fmt::print(
        "{{\"kind\": \"{}\", \"rate\": {}, \"seconds\": {:.1f}, \"accepted\": {}, "
        "\"accepted_per_second\": {:.0f}, \"refused\": {}, \"failed\": {}, \"p50_ms\": {:.2f}, "
        "\"p90_ms\": {:.2f}, \"p99_ms\": {:.2f}, \"p999_ms\": {:.2f}, \"max_ms\": {:.2f}}}\n",
        load_.kind, load_.rate, taken, accepted_.size(),
        static_cast<double>(accepted_.size()) / taken, refused_, failed_, percentile(0.5),
        percentile(0.9), percentile(0.99), percentile(0.999), percentile(1));
  }

  Load load_;
  asio::io_context io_{1};
  asio::steady_timer ticker_;
  std::vector<std::string> texts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::deque<Connection*> free_;           // in turn, so that none is idle for long
  std::deque<Clock::time_point> waiting_;  // due, without a connection
  std::vector<double> accepted_;           // milliseconds
  int64_t refused_ = 0, failed_ = 0, next_ = 0;
  size_t sent_ = 0;
  Clock::time_point started_, last_;
};

}  // namespace
}  // namespace serendip

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  serendip::Load load{std::stoi(argv[1]), argv[2], std::stod(argv[3]), std::stod(argv[4])};
  if (argc > 5) load.connections = std::stoll(argv[5]);
  if (argc > 6) load.items = std::stoll(argv[6]);
  if (argc > 7) load.clusters = std::stoll(argv[7]);
  serendip::Generator(load).run();
  return 0;
}
