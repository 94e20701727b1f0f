// Accepts connections on one address and keeps them within bounds.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <string>
#include <unordered_set>

#include "infer/server/http_session.h"

namespace serendip::server {

// All of it on the thread that runs the io_context. To be kept until that has no work left.
class HttpListener {
 public:
  // Listens at once; throws Error naming the address where that is refused.
  HttpListener(boost::asio::io_context& io, const std::string& address, int64_t port,
               HttpSettings settings);

  std::string endpoint() const;  // "127.0.0.1:8080"
  int64_t connections() const { return state_.open; }
  int64_t busy() const { return state_.busy; }
  // No connection any more; those that are there are closed when their request is answered.
  void drain();
  // Closes them now, whatever they wait for.
  void abort();

 private:
  void accept();
  void stop_accepting();

  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  HttpState state_;
  std::unordered_set<HttpSession*> sessions_;
  bool accepting_ = false;
};

}  // namespace serendip::server
