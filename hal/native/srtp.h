// A session of SRTP as other files of the addon may use it: a fan-out that protects what it sends.
#pragma once

#include "addon.h"

#include <srtp2/srtp.h>

namespace roger {

// Of hal/srtp/port.ts.
constexpr int longestTrailer = 20;
constexpr size_t mostSources = 32;

// One direction, one key. Not for two threads at a time.
class SrtpSession final : public Held {
 public:
  static constexpr uint32_t of = 0x73727470;
  enum class Kind { rtp, rtcp };

  explicit SrtpSession(srtp_t made) : Held(of), srtp(made) {}
  ~SrtpSession() override { close(); }

  // Both work in place and return the length afterwards, or the negative of a srtp_err_status_t. protect needs
  // longestTrailer bytes of room behind the packet.
  int protect(Kind kind, uint8_t* packet, int length);
  int unprotect(Kind kind, uint8_t* packet, int length);
  // libsrtp wipes the keys.
  void close();

 private:
  srtp_t srtp;
  // What libsrtp has made a stream for: it would make one for every source that its peer thinks of. Latest first.
  uint32_t sources[mostSources];
  size_t known = 0;

  void used(uint32_t source);
};

}  // namespace roger
