#include "infer/server/http_session.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>

#include "infer/server/problem.h"

namespace serendip::server {
namespace http = boost::beast::http;

namespace {

constexpr size_t kMaxBufferBytes = 32 * 1024;
constexpr uint32_t kMaxHeaderBytes = 8 * 1024;
constexpr size_t kMaxTargetBytes = 2 * 1024;
constexpr int64_t kMaxBodyBytesUnderWay = int64_t{64} << 20;
constexpr size_t kLingerBytes = 4096;
constexpr double kLingerSeconds = 2;
constexpr std::chrono::milliseconds kCancelAgain(20);

std::string text_of(boost::beast::string_view view) { return {view.data(), view.size()}; }

HttpRequest request_of(http::request<http::string_body>&& message, std::string remote) {
  HttpRequest request;
  request.method = text_of(message.method_string());
  const std::string target = text_of(message.target());
  request.path = target.substr(0, target.find('?'));
  request.query = target.substr(std::min(target.size(), request.path.size() + 1));
  request.authorization = text_of(message[http::field::authorization]);
  request.content_type = text_of(message[http::field::content_type]);
  request.has_origin = message.count(http::field::origin) > 0;
  request.body = std::move(message.body());
  request.remote = std::move(remote);
  request.arrived = Clock::now();
  return request;
}

}  // namespace

// A session that other threads hold ends on its own thread all the same.
struct HttpSession::SessionHold {
  explicit SessionHold(std::shared_ptr<HttpSession> held) : session(std::move(held)) {}
  ~SessionHold() {
    auto executor = session->socket_.get_executor();
    boost::asio::post(executor, [last = std::move(session)] {});
  }
  SessionHold(const SessionHold&) = delete;
  std::shared_ptr<HttpSession> session;
};

HttpResponse problem_response(int status, const std::string& detail, const HttpHeader& header) {
  HttpResponse response{status, problem_body(status, detail), "application/problem+json"};
  if (!header.name.empty()) response.headers.push_back(header);
  return response;
}

HttpSession::HttpSession(boost::asio::ip::tcp::socket socket, HttpState& state,
                         std::function<void(HttpSession*)> closed)
    : socket_(std::move(socket)),
      state_(state),
      closed_(std::move(closed)),
      deadline_(socket_.get_executor()),
      buffer_(kMaxBufferBytes) {
  Error ignored;
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  exchange_.remote = socket_.remote_endpoint(ignored).address().to_string();
}

HttpSession::~HttpSession() {
  state_.body_bytes -= body_bytes_;
  if (counted_) --state_.busy;
  closed_(this);
}

void HttpSession::set_deadline(double seconds) {
  timed_out_ = false;
  ++deadline_number_;
  cancel_after(std::chrono::microseconds(static_cast<int64_t>(seconds * 1e6)));
}

// Again and again: an operation that is between two of its steps does not notice.
void HttpSession::cancel_after(std::chrono::microseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this(), number = deadline_number_](const Error& error) {
    const std::shared_ptr<HttpSession> self = weak.lock();
    if (error || !self || self->deadline_number_ != number) return;
    self->timed_out_ = true;
    Error ignored;
    self->socket_.cancel(ignored);
    self->cancel_after(kCancelAgain);
  });
}

void HttpSession::close() {
  Error ignored;
  deadline_.cancel(ignored);
  socket_.close(ignored);
}

void HttpSession::drain() {
  if (idle_) close();
}

void HttpSession::wait_for_request() {
  idle_ = true;
  if (state_.draining) return close();
  if (buffer_.size() > 0) return read_header();
  buffer_.shrink_to_fit();
  set_deadline(state_.settings.idle_seconds);
  socket_.async_wait(boost::asio::ip::tcp::socket::wait_read,
                     [self = shared_from_this()](const Error& error) {
                       if (error) return self->close();
                       self->read_header();
                     });
}

void HttpSession::read_header() {
  idle_ = false;
  set_deadline(state_.settings.request_seconds);
  parser_.emplace();
  parser_->header_limit(kMaxHeaderBytes);
  parser_->body_limit(static_cast<uint64_t>(state_.settings.max_body_bytes));
  buffer_.reserve(kMaxBufferBytes / 2);
  http::async_read_header(
      socket_, buffer_, *parser_,
      [self = shared_from_this()](const Error& error, size_t) { self->header_read(error); });
}

void HttpSession::header_read(const Error& error) {
  const bool nothing_sent = !parser_->got_some();
  if (error && nothing_sent && error != http::error::header_limit) return close();
  if (error) return refuse_unreadable(error);
  const auto& message = parser_->get();
  exchange_.method = text_of(message.method_string());
  exchange_.path = text_of(message.target().substr(0, message.target().find('?')));
  if (message.target().size() > kMaxTargetBytes)
    return refuse(414, fmt::format("target: expected at most {} bytes, got {}", kMaxTargetBytes,
                                   message.target().size()));
  if (parser_->chunked() || message.count(http::field::transfer_encoding) > 0)
    return refuse(411, "body: expected a Content-Length, got a Transfer-Encoding");
  body_bytes_ = static_cast<int64_t>(parser_->content_length().value_or(0));
  if (state_.body_bytes + body_bytes_ > kMaxBodyBytesUnderWay) {
    body_bytes_ = 0;
    return refuse(503, "too many large requests at a time", retry_soon());
  }
  state_.body_bytes += body_bytes_;
  if (!boost::beast::iequals(message[http::field::expect], "100-continue")) return read_body();
  static constexpr boost::beast::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  boost::asio::async_write(socket_, boost::asio::buffer(kContinue.data(), kContinue.size()),
                           [self = shared_from_this()](const Error& failed, size_t) {
                             if (failed) return self->close();
                             self->read_body();
                           });
}

void HttpSession::read_body() {
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this()](const Error& error, size_t) {
                     if (error) return self->refuse_unreadable(error);
                     self->handle();
                   });
}

void HttpSession::refuse_unreadable(const Error& error) {
  if (timed_out_)
    return refuse(408, fmt::format("request: expected within {} s, got a part of it",
                                   state_.settings.request_seconds));
  if (error == http::error::body_limit)
    return refuse(413, fmt::format("body: expected at most {} bytes, got more",
                                   state_.settings.max_body_bytes));
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return refuse(431,
                  fmt::format("headers: expected at most {} bytes, got more", kMaxHeaderBytes));
  if (error.category() == make_error_code(http::error::bad_method).category() &&
      error != http::error::partial_message)
    return refuse(400, "request: expected HTTP, got: " + error.message());
  close();
}

void HttpSession::refuse(int status, const std::string& detail, const HttpHeader& header) {
  keep_alive_ = false;
  arrived_ = Clock::now();
  counted_ = true;
  ++state_.busy;
  write(problem_response(status, detail, header));
}

void HttpSession::handle() {
  ++deadline_number_;  // the work has bounds of its own
  keep_alive_ = parser_->get().keep_alive();
  HttpRequest request = request_of(parser_->release(), exchange_.remote);
  parser_.reset();
  exchange_.bytes_in = request.body.size();
  arrived_ = request.arrived;
  counted_ = true;
  ++state_.busy;
  const auto hold = std::make_shared<SessionHold>(shared_from_this());
  state_.settings.handler(std::move(request), [hold](HttpResponse response) {
    boost::asio::dispatch(hold->session->socket_.get_executor(),
                          [self = hold->session, response = std::move(response)]() mutable {
                            self->write(std::move(response));
                          });
  });
}

void HttpSession::write(HttpResponse response) {
  keep_alive_ = keep_alive_ && !state_.draining;
  exchange_.route = response.route;
  exchange_.status = response.status;
  exchange_.bytes_out = response.body.size();
  response_ = {static_cast<http::status>(response.status), 11};
  response_.reason(status_phrase(response.status));
  response_.set(http::field::content_type, response.content_type);
  response_.set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) response_.set(name, value);
  response_.keep_alive(keep_alive_);
  response_.body() = std::move(response.body);
  response_.prepare_payload();
  set_deadline(state_.settings.request_seconds);
  http::async_write(socket_, response_, [self = shared_from_this()](const Error& error, size_t) {
    self->written(error);
  });
}

void HttpSession::written(const Error& error) {
  response_ = {};
  exchange_.seconds = seconds_since(arrived_);
  state_.body_bytes -= body_bytes_;
  body_bytes_ = 0;
  if (counted_) --state_.busy;
  counted_ = false;
  state_.settings.observer(exchange_);
  if (error) return close();
  if (keep_alive_) return wait_for_request();
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  set_deadline(kLingerSeconds);
  linger();
}

// Reads on for a moment: closing with bytes unread would take the answer from the client.
void HttpSession::linger() {
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kLingerBytes),
                          [self = shared_from_this()](const Error& error, size_t) {
                            if (error || self->timed_out_) return self->close();
                            self->linger();
                          });
}

}  // namespace serendip::server
