#include "tests/server/http_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace serendip::server {

HttpClient::HttpClient(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
  const timeval longest{60, 0};
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &longest, sizeof longest);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
  close(socket_);
  socket_ = -1;
}

HttpClient::~HttpClient() {
  if (socket_ >= 0) close(socket_);
}

HttpClient::HttpClient(HttpClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), buffer_(std::move(other.buffer_)) {}

bool HttpClient::send(const std::string& bytes) {
  for (size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

void HttpClient::shut_down_sending() { shutdown(socket_, SHUT_WR); }

bool HttpClient::fill() {
  char bytes[16'384];
  const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
  if (count > 0) buffer_.append(bytes, static_cast<size_t>(count));
  return count > 0;
}

bool HttpClient::closed() {
  char byte = 0;
  return recv(socket_, &byte, 1, 0) <= 0 && errno != EAGAIN;
}

bool HttpClient::cut_off() {
  pollfd state{socket_, 0, 0};
  return poll(&state, 1, 60'000) == 1 && (state.revents & (POLLERR | POLLHUP)) != 0;
}

HttpAnswer HttpClient::receive() {
  size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) return {};
  HttpAnswer answer;
  std::istringstream lines(buffer_.substr(0, end + 2));
  buffer_.erase(0, end + 4);
  std::string line;
  std::getline(lines, line);
  answer.status = std::stoi(line.substr(9, 3));
  while (std::getline(lines, line) && line != "\r") {
    const size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(), ::tolower);
    answer.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
  }
  const auto found = answer.headers.find("content-length");
  const size_t length = found == answer.headers.end() ? 0 : std::stoul(found->second);
  while (buffer_.size() < length)
    if (!fill()) return {};
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

HttpAnswer HttpClient::get(const std::string& target, const std::string& headers) {
  return send(get_text(target, headers)) ? receive() : HttpAnswer{};
}

HttpAnswer HttpClient::post(const std::string& target, const std::string& body,
                            const std::string& headers) {
  return send(post_text(target, body, headers)) ? receive() : HttpAnswer{};
}

std::string get_text(const std::string& target, const std::string& headers) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: test\r\n{}\r\n", target, headers);
}

std::string post_text(const std::string& target, const std::string& body,
                      const std::string& headers) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: test\r\n{}Content-Length: {}\r\n\r\n{}", target,
                     headers, body.size(), body);
}

}  // namespace serendip::server
