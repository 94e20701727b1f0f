// A meeting point for processes that a test starts.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace serendip {

// A port that was free a moment ago.
inline int free_port() {
  const int socket_number = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(socket_number, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(socket_number, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    ADD_FAILURE() << "no free port";
  close(socket_number);
  return ntohs(address.sin_port);
}

}  // namespace serendip
