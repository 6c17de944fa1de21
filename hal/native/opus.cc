// libopus at 48 kHz mono, frames of 20 ms. Behind hal/opus/native.ts.
#include "addon.h"

#include <opus.h>

#include <initializer_list>

namespace roger {
namespace {

constexpr opus_int32 sampleRate = 48'000;
constexpr int channels = 1;
constexpr int frameSamples = 960;

struct Encoder final : Held {
  static constexpr uint32_t of = 0x656e63;
  OpusEncoder* opus;
  explicit Encoder(OpusEncoder* made) : Held(of), opus(made) {}
  ~Encoder() override { close(); }
  void close() {
    if (opus != nullptr) opus_encoder_destroy(opus);
    opus = nullptr;
  }
};

struct Decoder final : Held {
  static constexpr uint32_t of = 0x646563;
  OpusDecoder* opus;
  explicit Decoder(OpusDecoder* made) : Held(of), opus(made) {}
  ~Decoder() override { close(); }
  void close() {
    if (opus != nullptr) opus_decoder_destroy(opus);
    opus = nullptr;
  }
};

// openEncoder(bitrate) -> handle, or a negative number.
napi_value openEncoder(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  int32_t bitrate;
  if (!readInteger(env, given[0], "bitrate", 500, 512'000, bitrate)) return nullptr;
  int fault = OPUS_OK;
  OpusEncoder* opus = opus_encoder_create(sampleRate, channels, OPUS_APPLICATION_VOIP, &fault);
  if (fault != OPUS_OK) return number(env, fault);
  auto encoder = std::make_unique<Encoder>(opus);
  for (const int result : {
           opus_encoder_ctl(opus, OPUS_SET_BITRATE(bitrate)),
           opus_encoder_ctl(opus, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE)),
           opus_encoder_ctl(opus, OPUS_SET_COMPLEXITY(5)),
           opus_encoder_ctl(opus, OPUS_SET_VBR(1)),
           opus_encoder_ctl(opus, OPUS_SET_INBAND_FEC(1)),
       })
    if (result != OPUS_OK) return number(env, result);
  return hold(env, std::move(encoder));
}

// encode(encoder, frame, packet) -> bytes of `packet` that were written, or a negative number.
napi_value encode(napi_env env, napi_callback_info info) {
  const Arguments<3> given(env, info);
  Encoder* encoder = find<Encoder>(env, given[0]);
  Span<int16_t> frame;
  Span<uint8_t> packet;
  if (encoder == nullptr || !readSamples(env, given[1], "frame", frame) ||
      !readBytes(env, given[2], "packet", packet))
    return nullptr;
  if (encoder->opus == nullptr) return number(env, OPUS_INVALID_STATE);
  // Any other size that Opus knows would be encoded as a shorter or longer frame.
  if (frame.length != frameSamples) return number(env, OPUS_BAD_ARG);
  return number(env, opus_encode(encoder->opus, frame.data, frameSamples, packet.data,
                                 static_cast<opus_int32>(packet.length)));
}

// setLoss(encoder, percent) -> 0, or a negative number.
napi_value setLoss(napi_env env, napi_callback_info info) {
  const Arguments<2> given(env, info);
  Encoder* encoder = find<Encoder>(env, given[0]);
  int32_t percent;
  if (encoder == nullptr || !readInteger(env, given[1], "percent", 0, 100, percent)) return nullptr;
  if (encoder->opus == nullptr) return number(env, OPUS_INVALID_STATE);
  return number(env, opus_encoder_ctl(encoder->opus, OPUS_SET_PACKET_LOSS_PERC(percent)));
}

// forget(encoder) -> 0, or a negative number. The settings stay.
napi_value forget(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  Encoder* encoder = find<Encoder>(env, given[0]);
  if (encoder == nullptr) return nullptr;
  if (encoder->opus == nullptr) return number(env, OPUS_INVALID_STATE);
  return number(env, opus_encoder_ctl(encoder->opus, OPUS_RESET_STATE));
}

napi_value closeEncoder(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  Encoder* encoder = find<Encoder>(env, given[0]);
  if (encoder != nullptr) encoder->close();
  return nullptr;
}

// openDecoder() -> handle, or a negative number.
napi_value openDecoder(napi_env env, napi_callback_info) {
  int fault = OPUS_OK;
  OpusDecoder* opus = opus_decoder_create(sampleRate, channels, &fault);
  return fault == OPUS_OK ? hold(env, std::make_unique<Decoder>(opus)) : number(env, fault);
}

enum class What { packet, redundancy, nothing };

napi_value decodeInto(napi_env env, napi_value handle, What what, napi_value from, napi_value to) {
  Decoder* decoder = find<Decoder>(env, handle);
  Span<uint8_t> packet;
  Span<int16_t> into;
  if (decoder == nullptr || (what != What::nothing && !readBytes(env, from, "packet", packet)) ||
      !readSamples(env, to, "into", into))
    return nullptr;
  if (decoder->opus == nullptr) return number(env, OPUS_INVALID_STATE);
  // libopus takes no bytes for a lost packet, and reads beyond an `into` that it is told is longer.
  if (what != What::nothing && packet.length == 0) return number(env, OPUS_INVALID_PACKET);
  if (into.length < frameSamples) return number(env, OPUS_BUFFER_TOO_SMALL);
  constexpr size_t longest = 6 * frameSamples;
  const int room = static_cast<int>(into.length < longest ? into.length : longest);
  return number(env, opus_decode(decoder->opus, packet.data, static_cast<opus_int32>(packet.length), into.data,
                                 what == What::packet ? room : frameSamples, what == What::redundancy ? 1 : 0));
}

// decode(decoder, packet, into) -> samples, or a negative number.
napi_value decode(napi_env env, napi_callback_info info) {
  const Arguments<3> given(env, info);
  return decodeInto(env, given[0], What::packet, given[1], given[2]);
}

// recover(decoder, next, into) -> samples, or a negative number.
napi_value recover(napi_env env, napi_callback_info info) {
  const Arguments<3> given(env, info);
  return decodeInto(env, given[0], What::redundancy, given[1], given[2]);
}

// conceal(decoder, into) -> samples, or a negative number.
napi_value conceal(napi_env env, napi_callback_info info) {
  const Arguments<2> given(env, info);
  return decodeInto(env, given[0], What::nothing, nullptr, given[1]);
}

napi_value closeDecoder(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  Decoder* decoder = find<Decoder>(env, given[0]);
  if (decoder != nullptr) decoder->close();
  return nullptr;
}

// explain(negative number) -> what libopus says of it.
napi_value explain(napi_env env, napi_callback_info info) {
  const Arguments<1> given(env, info);
  int32_t fault;
  if (!readInteger(env, given[0], "fault", INT32_MIN, INT32_MAX, fault)) return nullptr;
  return text(env, opus_strerror(fault));
}

}  // namespace

bool addOpus(napi_env env, napi_value exports) {
  return addFunctions(env, exports, "opus",
                      {
                          {"openEncoder", openEncoder},
                          {"encode", encode},
                          {"setLoss", setLoss},
                          {"forget", forget},
                          {"closeEncoder", closeEncoder},
                          {"openDecoder", openDecoder},
                          {"decode", decode},
                          {"recover", recover},
                          {"conceal", conceal},
                          {"closeDecoder", closeDecoder},
                          {"explain", explain},
                      });
}

}  // namespace roger
