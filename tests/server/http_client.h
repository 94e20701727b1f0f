// A client that does what it is told, also what no decent client would.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace serendip::server {

struct HttpAnswer {
  int status = 0;                              // 0: the connection ended without an answer
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  nlohmann::json json() const { return nlohmann::json::parse(body); }
};

// One connection to 127.0.0.1. Reading and writing wait a minute at most.
class HttpClient {
 public:
  explicit HttpClient(int port);
  ~HttpClient();
  HttpClient(HttpClient&& other) noexcept;
  HttpClient(const HttpClient&) = delete;

  bool connected() const { return socket_ >= 0; }
  bool send(const std::string& bytes);
  void shut_down_sending();
  HttpAnswer receive();
  // The connection was closed by the server, within the minute.
  bool closed();
  // The same where answers are left unread: the server has closed it with requests unread.
  bool cut_off();

  HttpAnswer get(const std::string& target, const std::string& headers = "");
  HttpAnswer post(const std::string& target, const std::string& body,
                  const std::string& headers = "Content-Type: application/json\r\n");

 private:
  bool fill();  // more bytes into buffer_

  int socket_ = -1;
  std::string buffer_;
};

std::string get_text(const std::string& target, const std::string& headers = "");
std::string post_text(const std::string& target, const std::string& body,
                      const std::string& headers = "Content-Type: application/json\r\n");

}  // namespace serendip::server
