// UDP sockets in batches: all sockets of a thread in one epoll set, which the thread's loop watches; what has come is read
// into one buffer and handed to JavaScript by one call. Nothing here knows what datagrams say.
#include "udp.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace roger {
namespace {

// Datagrams handed over by one call, one of each socket: so they keep the order in which they came, but for those of one
// moment. Who releases the floor is to be heard before who asks for it next. A power of two.
constexpr int batch = 64;
// Longer than any datagram: none is cut. Untouched memory is not resident.
constexpr size_t slotBytes = 65536;
// Words of a record: socket, offset, length, port of the source, or -1 where it is the source of the socket's last datagram.
constexpr int recordWords = 4;
// Holds a burst of a few hundred legs while the thread is busy; the kernel may allow less (net.core.rmem_max).
constexpr int socketBuffer = 1048576;
// RFC 863: whoever has it says nothing.
constexpr uint16_t discardPort = 9;

struct Udp {
  napi_env env;
  uv_poll_t poll;
  int epoll = -1;
  UdpSockets sockets;
  std::vector<int32_t> free;
  // Closed, but a datagram of theirs may still be on its way to JavaScript.
  std::vector<int32_t> closed;
  int open = 0;
  napi_ref receive = nullptr;
  napi_async_context context = nullptr;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  int32_t* records = nullptr;
  uint8_t* data = nullptr;
  Endpoint sources[batch];
};

bool same(const Endpoint& a, const Endpoint& b) { return a.length == b.length && memcmp(&a.any, &b.any, a.length) == 0; }

int portOf(const Endpoint& endpoint) {
  return ntohs(endpoint.any.sa_family == AF_INET6 ? endpoint.v6.sin6_port : endpoint.v4.sin_port);
}

// Told once of what has come (EPOLLET), and asked anew after each datagram: a socket with more of them stands behind those
// that have waited meanwhile. One that is told of until it is found empty would keep its place before them.
bool watch(Udp* udp, int32_t index, int operation) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = static_cast<uint32_t>(index);
  return epoll_ctl(udp->epoll, operation, udp->sockets[index].fd, &event) == 0;
}

// Reads one datagram of a socket into a slot; false where there is none.
bool receiveFrom(Udp* udp, int32_t index, int slot) {
  UdpSocket& socket = udp->sockets[index];
  Endpoint& source = udp->sources[slot];
  iovec room = {udp->data + slot * slotBytes, slotBytes};
  msghdr message{};
  message.msg_name = &source.any;
  message.msg_namelen = sizeof source.v6;
  message.msg_iov = &room;
  message.msg_iovlen = 1;
  const ssize_t length = recvmsg(socket.fd, &message, MSG_DONTWAIT);
  if (length < 0) return false;
  source.length = message.msg_namelen;
  int32_t* record = udp->records + slot * recordWords;
  record[0] = index;
  record[1] = static_cast<int32_t>(slot * slotBytes);
  record[2] = static_cast<int32_t>(length);
  record[3] = same(source, socket.source) ? -1 : portOf(source);
  socket.source = source;
  return true;
}

void deliver(Udp* udp, int count) {
  napi_env env = udp->env;
  napi_value receive, argument;
  napi_get_reference_value(env, udp->receive, &receive);
  napi_create_int32(env, count, &argument);
  if (napi_make_callback(env, udp->context, receive, receive, 1, &argument, nullptr) != napi_pending_exception) return;
  napi_value error;
  napi_get_and_clear_last_exception(env, &error);
  napi_fatal_exception(env, error);
}

void onReadable(uv_poll_t* poll, int, int) {
  Udp* udp = static_cast<Udp*>(poll->data);
  napi_handle_scope scope;
  napi_open_handle_scope(udp->env, &scope);
  udp->free.insert(udp->free.end(), udp->closed.begin(), udp->closed.end());
  udp->closed.clear();
  epoll_event ready[batch];
  const int sockets = epoll_wait(udp->epoll, ready, batch, 0);
  int count = 0;
  for (int each = 0; each < sockets; each++) {
    const int32_t index = ready[each].data.u32;
    if (receiveFrom(udp, index, count)) count++;
    else if (errno == EAGAIN) continue;
    watch(udp, index, EPOLL_CTL_MOD);
  }
  if (count > 0) deliver(udp, count);
  napi_close_handle_scope(udp->env, scope);
}

int32_t int32Of(napi_env env, napi_value value) {
  int32_t result = 0;
  napi_get_value_int32(env, value, &result);
  return result;
}

UdpSocket* socketOf(Udp* udp, int32_t index) {
  if (index < 0 || static_cast<size_t>(index) >= udp->sockets.size()) return nullptr;
  UdpSocket* socket = &udp->sockets[index];
  return socket->fd < 0 ? nullptr : socket;
}

void closeAll(UdpSocket* socket) {
  for (int* fd : {&socket->fd, &socket->sender}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

// bind(host, port): the socket's index.
napi_value bindSocket(napi_env env, napi_callback_info info) {
  napi_value values[2];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  Endpoint local;
  if (!endpointArgument(env, values[0], values[1], &local)) {
    return number(env, -EINVAL);
  }
  const int family = local.any.sa_family;
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd < 0 || (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
      bind(fd, &local.any, local.length) < 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    return number(env, -error);
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socketBuffer, sizeof socketBuffer);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socketBuffer, sizeof socketBuffer);
  const int32_t index = udp->free.empty() ? static_cast<int32_t>(udp->sockets.size()) : udp->free.back();
  if (udp->free.empty()) udp->sockets.emplace_back();
  else udp->free.pop_back();
  UdpSocket& opened = udp->sockets[index];
  opened.fd = fd;
  opened.generation++;
  opened.family = family;
  opened.peer = Endpoint{};
  opened.source = Endpoint{};
  if (!watch(udp, index, EPOLL_CTL_ADD)) {
    const int error = errno;
    closeAll(&opened);
    udp->free.push_back(index);
    return number(env, -error);
  }
  if (udp->open++ == 0) uv_poll_start(&udp->poll, UV_READABLE, onReadable);
  return number(env, index);
}

// port(index)
napi_value localPort(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  UdpSocket* socket = socketOf(udp, int32Of(env, values[0]));
  Endpoint local;
  local.length = sizeof local.v6;
  if (!socket || getsockname(socket->fd, &local.any, &local.length) < 0) return nullptr;
  return number(env, portOf(local));
}

// to(index, host, port): where `send` sends to from now on; false where nothing can be sent to.
napi_value setPeer(napi_env env, napi_callback_info info) {
  napi_value values[3], result;
  Udp* udp = argumentsOf<Udp>(env, info, values);
  UdpSocket* socket = socketOf(udp, int32Of(env, values[0]));
  Endpoint peer;
  const bool possible = socket && endpointArgument(env, values[1], values[2], &peer) && peer.any.sa_family == socket->family;
  if (socket) socket->peer = possible ? peer : Endpoint{};
  napi_get_boolean(env, possible, &result);
  return result;
}

// send(index, data)
napi_value send(napi_env env, napi_callback_info info) {
  napi_value values[2];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  UdpSocket* socket = socketOf(udp, int32Of(env, values[0]));
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, values[1], nullptr, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  if (socket && socket->peer.length > 0) sendDatagram(*socket, data, length, socket->peer);
  return nullptr;
}

// source(record): the host that a datagram of this batch came from.
napi_value sourceHost(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  const Endpoint& source = udp->sources[int32Of(env, values[0]) & (batch - 1)];
  char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1] = "";
  if (source.any.sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &source.v6.sin6_addr, host, INET6_ADDRSTRLEN);
    // As Node writes it: a link-local address is nothing without its link.
    char link[IF_NAMESIZE];
    if (source.v6.sin6_scope_id != 0 && if_indextoname(source.v6.sin6_scope_id, link)) strcat(strcat(host, "%"), link);
  } else {
    inet_ntop(AF_INET, &source.v4.sin_addr, host, INET6_ADDRSTRLEN);
  }
  return text(env, host);
}

// close(index)
napi_value closeSocket(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  const int32_t index = int32Of(env, values[0]);
  UdpSocket* socket = socketOf(udp, index);
  if (!socket) return nullptr;
  closeAll(socket);
  udp->closed.push_back(index);
  // No socket keeps the loop alive any more, nor is a datagram on its way.
  if (--udp->open == 0) uv_poll_stop(&udp->poll);
  return nullptr;
}

// streams(words)
napi_value streams(napi_env env, napi_callback_info info) {
  napi_value values[1];
  Udp* udp = argumentsOf<Udp>(env, info, values);
  return openStreams(env, &udp->sockets, values[0]);
}

void onCleanup(napi_async_cleanup_hook_handle, void* data) {
  Udp* udp = static_cast<Udp*>(data);
  for (UdpSocket& socket : udp->sockets)
    closeAll(&socket);
  uv_close(reinterpret_cast<uv_handle_t*>(&udp->poll), [](uv_handle_t* handle) {
    Udp* ended = static_cast<Udp*>(handle->data);
    ::close(ended->epoll);
    napi_remove_async_cleanup_hook(ended->cleanup);
    delete ended;
  });
}

// Memory that both sides see, for as long as `owner` lives.
template <typename Type>
Type* shared(napi_env env, napi_value owner, const char* name, napi_typedarray_type type, size_t length) {
  void* data = nullptr;
  napi_value buffer, view;
  napi_create_arraybuffer(env, length * sizeof(Type), &data, &buffer);
  napi_create_typedarray(env, type, length, buffer, 0, &view);
  napi_set_named_property(env, owner, name, view);
  napi_ref forever;
  napi_create_reference(env, view, 1, &forever);
  return static_cast<Type*>(data);
}

// open(receive)
napi_value openUdp(napi_env env, napi_callback_info info) {
  napi_value receive, name, object;
  size_t given = 1;
  napi_get_cb_info(env, info, &given, &receive, nullptr, nullptr);
  Udp* udp = new Udp{};
  udp->env = env;
  udp->epoll = epoll_create1(EPOLL_CLOEXEC);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  if (udp->epoll < 0 || !loop || uv_poll_init(loop, &udp->poll, udp->epoll) < 0) {
    napi_throw_error(env, "EMFILE", "no epoll set can be opened");
    if (udp->epoll >= 0) ::close(udp->epoll);
    delete udp;
    return nullptr;
  }
  udp->poll.data = udp;
  napi_create_reference(env, receive, 1, &udp->receive);
  napi_create_string_latin1(env, "udp", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, nullptr, name, &udp->context);
  napi_add_async_cleanup_hook(env, onCleanup, udp, &udp->cleanup);

  napi_create_object(env, &object);
  udp->records = shared<int32_t>(env, object, "records", napi_int32_array, batch * recordWords);
  udp->data = shared<uint8_t>(env, object, "data", napi_uint8_array, batch * slotBytes);
  const struct {
    const char* name;
    napi_callback call;
  } functions[] = {{"bind", bindSocket}, {"port", localPort},    {"to", setPeer},       {"send", send},
                   {"source", sourceHost}, {"close", closeSocket}, {"streams", streams}};
  for (const auto& each : functions) {
    napi_value function;
    napi_create_function(env, each.name, NAPI_AUTO_LENGTH, each.call, udp, &function);
    napi_set_named_property(env, object, each.name, function);
  }
  return object;
}

}  // namespace

bool endpointOf(const char* host, int64_t port, Endpoint* endpoint) {
  if (port < 0 || port > 65535) return false;
  *endpoint = Endpoint{};
  memset(&endpoint->v6, 0, sizeof endpoint->v6);
  if (inet_pton(AF_INET, host, &endpoint->v4.sin_addr) == 1) {
    endpoint->v4.sin_family = AF_INET;
    endpoint->v4.sin_port = htons(static_cast<uint16_t>(port));
    endpoint->length = sizeof endpoint->v4;
    return true;
  }
  char address[INET6_ADDRSTRLEN];
  const char* link = strchr(host, '%');
  const size_t length = link ? static_cast<size_t>(link - host) : strlen(host);
  if (length >= sizeof address) return false;
  memcpy(address, host, length);
  address[length] = '\0';
  // The union: what the attempt above wrote lies where this one's fields do.
  memset(&endpoint->v6, 0, sizeof endpoint->v6);
  if (inet_pton(AF_INET6, address, &endpoint->v6.sin6_addr) != 1) return false;
  endpoint->v6.sin6_family = AF_INET6;
  endpoint->v6.sin6_port = htons(static_cast<uint16_t>(port));
  if (link) endpoint->v6.sin6_scope_id = if_nametoindex(link + 1);
  endpoint->length = sizeof endpoint->v6;
  return true;
}

bool endpointArgument(napi_env env, napi_value host, napi_value port, Endpoint* endpoint) {
  char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
  size_t length = 0;
  int64_t number = -1;
  napi_get_value_string_utf8(env, host, text, sizeof text, &length);
  napi_get_value_int64(env, port, &number);
  return length < sizeof text - 1 && endpointOf(text, number, endpoint);
}

void openSender(UdpSocket* socket) {
  Endpoint local;
  local.length = sizeof local.v6;
  if (socket->sender >= 0 || getsockname(socket->fd, &local.any, &local.length) < 0) return;
  const bool any = local.any.sa_family == AF_INET6 ? IN6_IS_ADDR_UNSPECIFIED(&local.v6.sin6_addr)
                                                   : local.v4.sin_addr.s_addr == htonl(INADDR_ANY);
  // Connecting would settle the address that it sends from.
  if (any) return;
  const int fd = ::socket(local.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // Connected, so that what arrives at the port is for the other one: nothing comes from here. It sends elsewhere all the same.
  Endpoint nowhere = local;
  in_port_t& port = local.any.sa_family == AF_INET6 ? nowhere.v6.sin6_port : nowhere.v4.sin_port;
  port = htons(discardPort);
  const int shared = 1, own = 0;
  setsockopt(socket->fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, sizeof shared);
  const bool stands = bind(fd, &local.any, local.length) == 0 && connect(fd, &nowhere.any, nowhere.length) == 0;
  // Nobody else shares the port.
  setsockopt(socket->fd, SOL_SOCKET, SO_REUSEPORT, &own, sizeof own);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &own, sizeof own);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socketBuffer, sizeof socketBuffer);
  if (stands) socket->sender = fd;
  else close(fd);
}

bool sendDatagram(const UdpSocket& socket, const void* data, size_t length, const Endpoint& to) {
  const int fd = socket.sender >= 0 ? socket.sender : socket.fd;
  // What cannot be sent at once is lost, as on any network: late media is worth nothing.
  return sendto(fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL, &to.any, to.length) >= 0;
}

bool addUdp(napi_env env, napi_value exports) { return addFunctions(env, exports, "udp", {{"open", openUdp}}); }

}  // namespace roger
