// UDP sockets of one thread, as udp.cc opens them and streams.cc sends by them.
#pragma once

#include "addon.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

namespace roger {

struct Endpoint {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t length = 0;
};

// From a numeric host as Node writes it ("10.0.0.1", "fd00::1", "fe80::1%eth0"). False where it is none, or port is none.
bool endpointOf(const char* host, int64_t port, Endpoint* endpoint);
bool endpointArgument(napi_env env, napi_value host, napi_value port, Endpoint* endpoint);

struct UdpSocket {
  // -1: closed.
  int fd = -1;
  // Of the same port, and of no epoll set; -1: none.
  int sender = -1;
  // Of this place in the list of sockets: another socket, another number.
  uint32_t generation = 0;
  int family = AF_INET;
  // Where `send` sends to.
  Endpoint peer;
  // Where the last datagram came from.
  Endpoint source;
};

using UdpSockets = std::vector<UdpSocket>;

// Gives a socket that streams leave from one for sending alone, where that is possible. A socket in an epoll set is made
// to tell the set at each datagram that there is room for another (sock_wfree in the kernel), a tenth of what sending costs.
void openSender(UdpSocket* socket);

// Sends one datagram, now or never.
bool sendDatagram(const UdpSocket& socket, const void* data, size_t length, const Endpoint& to);

// streams.cc: `streams(words)` over the sockets of a thread.
napi_value openStreams(napi_env env, UdpSockets* sockets, napi_value words);

}  // namespace roger
