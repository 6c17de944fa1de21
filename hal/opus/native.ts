import { frameSamples } from "../audio/port.ts";
import type { Handle, NativeOpus } from "../native/port.ts";
import { largestPacket, type Opus, type OpusDecoder, type OpusEncoder, OpusError } from "./port.ts";

/** libopus itself, in the native addon. */
export function nativeOpus(library: NativeOpus): Opus {
  return {
    encoder: async ({ bitrate }) => encoder(library, opened(library, library.openEncoder(bitrate))),
    decoder: async () => decoder(library, opened(library, library.openDecoder())),
  };
}

function opened<Kind extends string>(library: NativeOpus, result: Handle<Kind> | number): Handle<Kind> {
  if (typeof result === "number") throw new OpusError(library.explain(result));
  return result;
}

function whileOpen(open: boolean): void {
  if (!open) throw new OpusError("the codec was closed");
}

function encoder(library: NativeOpus, handle: Handle<"encoder">): OpusEncoder {
  const packet = new Uint8Array(largestPacket);
  let open = true;

  function check(result: number): number {
    if (result < 0) throw new OpusError(library.explain(result));
    return result;
  }

  return {
    encode(frame) {
      whileOpen(open);
      if (frame.length !== frameSamples)
        throw new OpusError(`a frame of ${frame.length} samples, expected ${frameSamples}`);
      return packet.subarray(0, check(library.encode(handle, frame, packet)));
    },
    forget() {
      whileOpen(open);
      check(library.forget(handle));
    },
    setLoss(percent) {
      whileOpen(open);
      check(library.setLoss(handle, Math.round(Math.min(100, Math.max(0, percent)))));
    },
    close() {
      open = false;
      library.closeEncoder(handle);
    },
  };
}

function decoder(library: NativeOpus, handle: Handle<"decoder">): OpusDecoder {
  let open = true;

  function check(packet: Uint8Array): void {
    whileOpen(open);
    if (packet.length === 0 || packet.length > largestPacket)
      throw new OpusError(`a packet of ${packet.length} bytes, expected 1 to ${largestPacket}`);
  }

  function samples(result: number, into: Int16Array): number {
    if (result < 0) throw new OpusError(`${library.explain(result)} (room for ${into.length} samples)`);
    return result;
  }

  return {
    decode(packet, into) {
      check(packet);
      return samples(library.decode(handle, packet, into), into);
    },
    conceal(into) {
      whileOpen(open);
      samples(library.conceal(handle, into), into);
    },
    recover(next, into) {
      check(next);
      samples(library.recover(handle, next, into), into);
    },
    close() {
      open = false;
      library.closeDecoder(handle);
    },
  };
}
