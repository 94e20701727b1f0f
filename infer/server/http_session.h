// One connection: its requests one after another, each within bounds of size and time.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "infer/server/http.h"

namespace serendip::server {

// What the connections of a listener share; used on the sockets' thread alone.
struct HttpState {
  HttpSettings settings;
  bool draining = false;
  int64_t open = 0;        // connections
  int64_t busy = 0;        // requests whose answer is not written yet
  int64_t body_bytes = 0;  // of requests under way
};

// Lives as long as an operation of it is under way. A connection without a request holds no buffer
// and no thread.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(boost::asio::ip::tcp::socket socket, HttpState& state,
              std::function<void(HttpSession*)> closed);
  ~HttpSession();
  void start() { wait_for_request(); }
  // Closes now where no request is under way, else after its answer.
  void drain();
  void close();

 private:
  using Error = boost::system::error_code;
  struct SessionHold;

  void wait_for_request();
  void read_header();
  void header_read(const Error& error);
  void read_body();
  void handle();
  void write(HttpResponse response);
  void written(const Error& error);
  void refuse(int status, const std::string& detail, const HttpHeader& header = {});
  void refuse_unreadable(const Error& error);
  void linger();
  void set_deadline(double seconds);
  void cancel_after(std::chrono::microseconds time);

  boost::asio::ip::tcp::socket socket_;
  HttpState& state_;
  std::function<void(HttpSession*)> closed_;
  boost::asio::steady_timer deadline_;
  uint64_t deadline_number_ = 0;
  bool timed_out_ = false, idle_ = true, keep_alive_ = false, counted_ = false;
  int64_t body_bytes_ = 0;  // of state_.body_bytes
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  Exchange exchange_;
  Clock::time_point arrived_;
};

}  // namespace serendip::server
