#include "infer/server/http_listener.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <vector>

#include "base/check.h"

namespace serendip::server {
namespace asio = boost::asio;
using asio::ip::tcp;

HttpListener::HttpListener(asio::io_context& io, const std::string& address, int64_t port,
                           HttpSettings settings)
    : acceptor_(io), pause_(io), state_{std::move(settings)} {
  boost::system::error_code error;
  const tcp::endpoint endpoint(asio::ip::make_address(address, error), static_cast<uint16_t>(port));
  SERENDIP_CHECK(!error, "serve.address: expected an IP address, got '{}'", address);
  const auto check = [&](const char* what) {
    SERENDIP_CHECK(!error, "{}:{}: cannot {}: {}", address, port, what, error.message());
  };
  acceptor_.open(endpoint.protocol(), error);
  check("open");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.bind(endpoint, error);
  check("bind");
  acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  check("listen");
  accept();
}

std::string HttpListener::endpoint() const {
  const tcp::endpoint endpoint = acceptor_.local_endpoint();
  return fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

void HttpListener::accept() {
  accepting_ = acceptor_.is_open() && state_.open < state_.settings.max_connections;
  if (!accepting_) return;  // a connection that closes calls again
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {  // out of descriptors, say: the backlog waits
      spdlog::warn("cannot accept a connection: {}", error.message());
      pause_.expires_after(std::chrono::milliseconds(100));
      pause_.async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) accept();
      });
      return;
    }
    ++state_.open;
    const auto session =
        std::make_shared<HttpSession>(std::move(socket), state_, [this](HttpSession* closed) {
          sessions_.erase(closed);
          --state_.open;
          if (!accepting_) accept();
        });
    sessions_.insert(session.get());
    session->start();
    accept();
  });
}

void HttpListener::drain() {
  state_.draining = true;
  stop_accepting();
  for (HttpSession* session : std::vector<HttpSession*>(sessions_.begin(), sessions_.end()))
    session->drain();
}

void HttpListener::abort() {
  stop_accepting();
  for (HttpSession* session : std::vector<HttpSession*>(sessions_.begin(), sessions_.end()))
    session->close();
}

void HttpListener::stop_accepting() {
  boost::system::error_code ignored;
  pause_.cancel(ignored);
  acceptor_.close(ignored);
}

}  // namespace serendip::server
