// Many RTP streams in one table: what hal/network/streams.ts does in plain code, one call a payload. The table is JavaScript's;
// both sides read and write it, on one thread.
#include <cstdlib>
#include <cstring>

#include "srtp.h"
#include "udp.h"

namespace roger {
namespace {

// A row of the table: the words of hal/network/streams.ts, in their order.
struct Row {
  uint32_t state;
  uint32_t ssrc;
  uint32_t sequenceShift;
  uint32_t timestampShift;
  uint32_t first;
  uint32_t highestSequence;
  uint32_t highestTimestamp;
  uint32_t burstTimestamp;
  uint32_t packets;
  uint32_t octets;
  double sentAt;
  uint32_t dropped;
  uint32_t spare[3];
};
static_assert(sizeof(Row) == 64, "16 words, and none of them padding");

constexpr uint32_t listening = 1;
constexpr uint32_t beginning = 2;
constexpr uint32_t midway = 4;
constexpr size_t headerLength = 12;

struct Route {
  int32_t socket = -1;
  uint32_t generation = 0;
  Endpoint to;
  // Protects what goes out; whoever aims the row keeps it. null: in clear.
  SrtpSession* srtp = nullptr;
};

struct Streams {
  UdpSockets* sockets;
  Row* rows;
  std::vector<Route> routes;
  // A packet as it goes out protected.
  std::vector<uint8_t> sealed;
};

struct PacketNumbers {
  uint32_t sequence;
  uint32_t timestamp;
  bool marker;
  uint32_t count;
  uint32_t restart;
};

void write32(uint8_t* into, uint32_t value) {
  into[0] = static_cast<uint8_t>(value >> 24);
  into[1] = static_cast<uint8_t>(value >> 16);
  into[2] = static_cast<uint8_t>(value >> 8);
  into[3] = static_cast<uint8_t>(value);
}

// Writes the stream's header at the start of `packet`, and counts it; false where the packet lies before the stream's first.
bool number(Row& row, uint8_t* packet, size_t length, const PacketNumbers& numbers) {
  const uint32_t state = row.state;
  const bool begins = state & beginning;
  if (begins || numbers.restart > 0) {
    // An unmarked first packet may have overtaken the marked one: one number is left free for that.
    const uint32_t room = numbers.marker || (state & midway) ? 0 : 1;
    const uint32_t start = begins ? row.burstTimestamp : row.highestTimestamp + numbers.restart;
    row.sequenceShift = row.highestSequence + 1 + room - numbers.sequence;
    row.timestampShift = start - numbers.timestamp;
    row.first = numbers.count - room;
    row.state = state & ~beginning;
  }
  if (static_cast<int32_t>(numbers.count - row.first) < 0) return false;
  const uint32_t sequence = (numbers.sequence + row.sequenceShift) & 0xffff;
  const uint32_t timestamp = numbers.timestamp + row.timestampShift;
  if (static_cast<int16_t>(sequence - row.highestSequence) > 0) {
    row.highestSequence = sequence;
    row.highestTimestamp = timestamp;
  }
  row.packets++;
  row.octets += static_cast<uint32_t>(length - headerLength);
  packet[0] = 0x80;
  packet[1] = static_cast<uint8_t>((begins || numbers.marker ? 0x80 : 0) | ((state >> 8) & 0x7f));
  packet[2] = static_cast<uint8_t>(sequence >> 8);
  packet[3] = static_cast<uint8_t>(sequence);
  write32(packet + 4, timestamp);
  write32(packet + 8, row.ssrc);
  return true;
}

uint32_t uint32Of(napi_env env, napi_value value) {
  // Modulo 2^32, as JavaScript's bit operators have it.
  uint32_t result = 0;
  napi_get_value_uint32(env, value, &result);
  return result;
}

// The length that goes out from `sealed`; 0: nothing.
size_t seal(Streams* streams, SrtpSession* srtp, const uint8_t* packet, size_t length) {
  if (length > 0xffff) return 0;
  if (streams->sealed.size() < length + longestTrailer) streams->sealed.resize(length + longestTrailer);
  memcpy(streams->sealed.data(), packet, length);
  const int result = srtp->protect(SrtpSession::Kind::rtp, streams->sealed.data(), static_cast<int>(length));
  return result > 0 ? static_cast<size_t>(result) : 0;
}

// aim(row, socket, host, port, srtp): where the row's stream leaves from and goes to, and by which session of srtp.cc;
// nowhere where it cannot.
napi_value aim(napi_env env, napi_callback_info info) {
  napi_value values[5];
  Streams* streams = argumentsOf<Streams>(env, info, values);
  const uint32_t row = uint32Of(env, values[0]);
  int32_t index = -1;
  napi_get_value_int32(env, values[1], &index);
  if (row >= streams->routes.size()) return nullptr;
  Route& route = streams->routes[row];
  route.socket = -1;
  route.srtp = nullptr;
  napi_valuetype given = napi_undefined;
  if (napi_typeof(env, values[4], &given) != napi_ok) return nullptr;
  // What was to be protected is not sent in clear.
  if (given != napi_undefined && (route.srtp = find<SrtpSession>(env, values[4])) == nullptr) return nullptr;
  if (index < 0 || static_cast<size_t>(index) >= streams->sockets->size()) return nullptr;
  UdpSocket& socket = (*streams->sockets)[index];
  if (!endpointArgument(env, values[2], values[3], &route.to) || route.to.any.sa_family != socket.family) return nullptr;
  route.socket = index;
  route.generation = socket.generation;
  openSender(&socket);
  return nullptr;
}

// send(rows, size, packet, sequence, timestamp, marker, count, restart, now, except)
napi_value send(napi_env env, napi_callback_info info) {
  napi_value values[10];
  Streams* streams = argumentsOf<Streams>(env, info, values);
  void* rows = nullptr;
  void* packet = nullptr;
  size_t most = 0;
  size_t length = 0;
  if (napi_get_typedarray_info(env, values[0], nullptr, &most, &rows, nullptr, nullptr) != napi_ok ||
      napi_get_typedarray_info(env, values[2], nullptr, &length, &packet, nullptr, nullptr) != napi_ok ||
      length < headerLength)
    return nullptr;
  const uint32_t size = uint32Of(env, values[1]);
  PacketNumbers numbers;
  numbers.sequence = uint32Of(env, values[3]);
  numbers.timestamp = uint32Of(env, values[4]);
  napi_get_value_bool(env, values[5], &numbers.marker);
  numbers.count = uint32Of(env, values[6]);
  numbers.restart = uint32Of(env, values[7]);
  double now = 0;
  napi_get_value_double(env, values[8], &now);
  const uint32_t except = uint32Of(env, values[9]);

  const uint32_t* listed = static_cast<const uint32_t*>(rows);
  uint8_t* bytes = static_cast<uint8_t*>(packet);
  for (uint32_t index = 0; index < size && index < most; index++) {
    const uint32_t each = listed[index];
    if (each == except || each >= streams->routes.size()) continue;
    const Route& route = streams->routes[each];
    Row& row = streams->rows[each];
    if (route.socket < 0 || !(row.state & listening)) continue;
    const UdpSocket& socket = (*streams->sockets)[route.socket];
    if (socket.fd < 0 || socket.generation != route.generation || !number(row, bytes, length, numbers)) continue;
    row.sentAt = now;
    const size_t sealed = route.srtp != nullptr ? seal(streams, route.srtp, bytes, length) : length;
    const uint8_t* out = route.srtp != nullptr ? streams->sealed.data() : bytes;
    if (sealed == 0 || !sendDatagram(socket, out, sealed, route.to)) row.dropped++;
  }
  return nullptr;
}

}  // namespace

napi_value openStreams(napi_env env, UdpSockets* sockets, napi_value words) {
  void* data = nullptr;
  size_t length = 0;
  if (napi_get_typedarray_info(env, words, nullptr, &length, &data, nullptr, nullptr) != napi_ok) return nullptr;
  Streams* streams = new Streams{sockets, static_cast<Row*>(data), std::vector<Route>(length * 4 / sizeof(Row)), {}};
  napi_value object, function;
  napi_create_object(env, &object);
  // The table lives while it is sent from.
  napi_set_named_property(env, object, "words", words);
  napi_create_function(env, "aim", NAPI_AUTO_LENGTH, aim, streams, &function);
  napi_set_named_property(env, object, "aim", function);
  napi_create_function(env, "send", NAPI_AUTO_LENGTH, send, streams, &function);
  napi_set_named_property(env, object, "send", function);
  napi_wrap(env, object, streams, [](napi_env, void* ended, void*) { delete static_cast<Streams*>(ended); }, nullptr, nullptr);
  return object;
}

}  // namespace roger
