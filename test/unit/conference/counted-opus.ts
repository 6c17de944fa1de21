import type { Opus } from "../../../hal/opus/port.ts";

/** An Opus that counts what is opened, what is still open, and the frames that go through. */
export function countedOpus(opus: Opus) {
  const count = { opened: 0, open: 0, encoded: 0, decoded: 0 };
  function watch<Codec extends { close(): void }>(codec: Codec): Codec {
    count.opened++;
    count.open++;
    const close = codec.close.bind(codec);
    return Object.assign(codec, {
      close() {
        count.open--;
        close();
      },
    });
  }
  const counting: Opus = {
    async encoder(options) {
      const encoder = watch(await opus.encoder(options));
      const encode = encoder.encode.bind(encoder);
      return Object.assign(encoder, {
        encode(frame: Int16Array) {
          count.encoded++;
          return encode(frame);
        },
      });
    },
    async decoder() {
      const decoder = watch(await opus.decoder());
      const decode = decoder.decode.bind(decoder);
      return Object.assign(decoder, {
        decode(packet: Uint8Array, into: Int16Array) {
          count.decoded++;
          return decode(packet, into);
        },
      });
    },
  };
  return { count, counting };
}
