// SRTP and SRTCP by libsrtp2. Behind hal/srtp/native.ts.
#include "srtp.h"

#include <cstring>

namespace roger {
namespace {

constexpr size_t replayWindow = 128;
constexpr int rtpHeader = 12;
constexpr int rtcpHeader = 8;
constexpr size_t longestMaster = 30;
// RFC 3711 §3.4 counts in 31 bits; a tag is at least 10 bytes long.
constexpr int leastTag = 10;
constexpr int rtcpIndex = 4;

// libsrtp keeps tables of its own that are made once a process, whichever thread comes first.
bool isReady() {
  static const srtp_err_status_t status = srtp_init();
  return status == srtp_err_status_ok;
}

uint32_t sourceOf(SrtpSession::Kind kind, const uint8_t* packet) {
  const uint8_t* at = packet + (kind == SrtpSession::Kind::rtp ? 8 : 4);
  uint32_t source;
  memcpy(&source, at, sizeof source);
  return source;
}

// A stream is named as in the packet from libsrtp 2.5 on, and in the order of this machine before.
void removeStream(srtp_t srtp, uint32_t source) {
  if (srtp_remove_stream(srtp, source) != srtp_err_status_ok) srtp_remove_stream(srtp, __builtin_bswap32(source));
}

// open(suite, sends, master) -> handle, or a negative number. `suite` as in hal/srtp/native.ts.
napi_value open(napi_env env, napi_callback_info info) {
  const Arguments<3> given(env, info);
  int32_t suite;
  int32_t sends;
  Span<uint8_t> master;
  if (!readInteger(env, given[0], "suite", 0, 1, suite) || !readInteger(env, given[1], "sends", 0, 1, sends) ||
      !readBytes(env, given[2], "master", master))
    return nullptr;
  if (!isReady()) return number(env, -srtp_err_status_init_fail);

  srtp_policy_t policy = {};
  if (suite == 0) {
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
    srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
  } else {
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
    srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
  }
  // libsrtp reads as many bytes as the suite asks for.
  if (master.length != static_cast<size_t>(policy.rtp.cipher_key_len)) return number(env, -srtp_err_status_bad_param);
  uint8_t key[longestMaster];
  memcpy(key, master.data, master.length);
  policy.ssrc.type = sends == 1 ? ssrc_any_outbound : ssrc_any_inbound;
  policy.key = key;
  policy.window_size = replayWindow;
  srtp_t srtp = nullptr;
  const srtp_err_status_t status = srtp_create(&srtp, &policy);
  explicit_bzero(key, sizeof key);
  return status == srtp_err_status_ok ? hold(env, std::make_unique<SrtpSession>(srtp)) : number(env, -status);
}

napi_value protectInto(napi_env env, napi_callback_info info, SrtpSession::Kind kind) {
  const Arguments<3> given(env, info);
  SrtpSession* session = find<SrtpSession>(env, given[0]);
  Span<uint8_t> packet;
  Span<uint8_t> into;
  if (session == nullptr || !readBytes(env, given[1], "packet", packet) || !readBytes(env, given[2], "into", into))
    return nullptr;
  if (packet.length > 0xffff || into.length < packet.length + longestTrailer)
    return number(env, -srtp_err_status_bad_param);
  memmove(into.data, packet.data, packet.length);
  return number(env, session->protect(kind, into.data, static_cast<int>(packet.length)));
}

napi_value unprotectIn(napi_env env, napi_callback_info info, SrtpSession::Kind kind) {
  const Arguments<2> given(env, info);
  SrtpSession* session = find<SrtpSession>(env, given[0]);
  Span<uint8_t> packet;
  if (session == nullptr || !readBytes(env, given[1], "packet", packet)) return nullptr;
  if (packet.length > 0xffff) return number(env, -srtp_err_status_bad_param);
  return number(env, session->unprotect(kind, packet.data, static_cast<int>(packet.length)));
}

// protectRtp(session, packet, into), protectRtcp -> the length afterwards, or a negative number.
napi_value protectRtp(napi_env env, napi_callback_info info) {
  return protectInto(env, info, SrtpSession::Kind::rtp);
}

napi_value protectRtcp(napi_env env, napi_callback_info info) {
  return protectInto(env, info, SrtpSession::Kind::rtcp);
}

// unprotectRtp(session, packet), unprotectRtcp -> the length afterwards, or a negative number.
napi_value unprotectRtp(napi_env env, napi_callback_info info) {
  return unprotectIn(env, info, SrtpSession::Kind::rtp);
}

napi_value unprotectRtcp(napi_env env, napi_callback_info info) {
  return unprotectIn(env, info, SrtpSession::Kind::rtcp);
}

napi_value close(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  SrtpSession* session = find<SrtpSession>(env, given[0]);
  if (session != nullptr) session->close();
  return nullptr;
}

}  // namespace

int SrtpSession::protect(Kind kind, uint8_t* packet, int length) {
  if (srtp == nullptr || length < (kind == Kind::rtp ? rtpHeader : rtcpHeader)) return -srtp_err_status_bad_param;
  const uint32_t source = sourceOf(kind, packet);
  const srtp_err_status_t status =
      kind == Kind::rtp ? srtp_protect(srtp, packet, &length) : srtp_protect_rtcp(srtp, packet, &length);
  used(source);
  return status == srtp_err_status_ok ? length : -status;
}

int SrtpSession::unprotect(Kind kind, uint8_t* packet, int length) {
  const int least = kind == Kind::rtp ? rtpHeader + leastTag : rtcpHeader + leastTag + rtcpIndex;
  if (srtp == nullptr || length < least) return -srtp_err_status_bad_param;
  const uint32_t source = sourceOf(kind, packet);
  const srtp_err_status_t status =
      kind == Kind::rtp ? srtp_unprotect(srtp, packet, &length) : srtp_unprotect_rtcp(srtp, packet, &length);
  // Only a packet that was by the key makes a stream.
  if (status != srtp_err_status_ok) return -status;
  used(source);
  return length;
}

void SrtpSession::used(uint32_t source) {
  size_t at = 0;
  while (at < known && sources[at] != source) at++;
  if (at == known) {
    if (known == mostSources)
      removeStream(srtp, sources[at = mostSources - 1]);
    else
      known++;
  }
  if (at == 0 && sources[0] == source) return;
  memmove(sources + 1, sources, at * sizeof source);
  sources[0] = source;
}

void SrtpSession::close() {
  if (srtp != nullptr) srtp_dealloc(srtp);
  srtp = nullptr;
}

bool addSrtp(napi_env env, napi_value exports) {
  return addFunctions(env, exports, "srtp",
                      {
                          {"open", open},
                          {"protectRtp", protectRtp},
                          {"protectRtcp", protectRtcp},
                          {"unprotectRtp", unprotectRtp},
                          {"unprotectRtcp", unprotectRtcp},
                          {"close", close},
                      });
}

}  // namespace roger
