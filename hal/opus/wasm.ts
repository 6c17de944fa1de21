import {
  Application,
  createDecoder,
  createEncoder,
  EncoderCtl,
  isOpusError,
  loadLibopus,
  type OpusDecoderHandle,
  type OpusEncoderHandle,
  Signal,
} from "libopus-wasm";
import { frameSamples, sampleRate } from "../audio/port.ts";
import { largestPacket, type Opus, type OpusDecoder, type OpusEncoder, OpusError } from "./port.ts";

const codec = { channels: 1, sampleRate } as const;
const silence = new Int16Array(frameSamples);

/** libopus compiled to WebAssembly: no compiler needed, some two to three times the CPU of a native build. */
export async function loadOpus(): Promise<Opus> {
  await loadLibopus();
  return {
    encoder: async ({ bitrate }) =>
      encoder(
        await createEncoder({
          ...codec,
          application: Application.Voip,
          signal: Signal.Voice,
          bitrate,
          complexity: 5,
          vbr: true,
          fec: true,
          frameSize: frameSamples,
        }),
      ),
    decoder: async () => decoder(await createDecoder(codec)),
  };
}

/** Runs one call of libopus; whatever it says against its arguments is an OpusError. */
function attempt<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (isOpusError(error) || error instanceof RangeError) throw new OpusError(error.message, { cause: error });
    throw error;
  }
}

function whileOpen(open: boolean): void {
  if (!open) throw new OpusError("the codec was closed");
}

function encoder(handle: OpusEncoderHandle): OpusEncoder {
  let open = true;
  /** The next frame is encoded without prediction. */
  let alone = false;

  function predict(yes: boolean): void {
    handle.encoderCtl(EncoderCtl.SetPredictionDisabled, yes ? 0 : 1);
    alone = !yes;
  }

  return {
    encode(frame) {
      whileOpen(open);
      if (frame.length !== frameSamples)
        throw new OpusError(`a frame of ${frame.length} samples, expected ${frameSamples}`);
      return attempt(() => {
        const packet = handle.encode(frame);
        if (alone) predict(true);
        return packet;
      });
    },
    forget() {
      whileOpen(open);
      attempt(() => {
        // The library has no reset. Two frames wash out the look-ahead and the filters; a third predicted from their
        // silence would be several times too loud to a decoder that did not get them.
        for (let frames = 0; frames < 2; frames++) handle.encode(silence);
        predict(false);
      });
    },
    setLoss(percent) {
      whileOpen(open);
      handle.setPacketLossPercent(Math.round(Math.min(100, Math.max(0, percent))));
    },
    close() {
      open = false;
      handle.free();
    },
  };
}

function decoder(handle: OpusDecoderHandle): OpusDecoder {
  const oneFrameOfFec = { frameSize: frameSamples, decodeFec: true };
  let open = true;

  /** The library hands out an array of its own each time; the caller's is filled from it. */
  function write(samples: Int16Array, into: Int16Array): number {
    if (samples.length > into.length)
      throw new OpusError(`the packet holds ${samples.length} samples, there is room for ${into.length}`);
    into.set(samples);
    return samples.length;
  }

  function check(packet: Uint8Array): void {
    whileOpen(open);
    // The library grows its memory to the size of a packet.
    if (packet.length === 0 || packet.length > largestPacket)
      throw new OpusError(`a packet of ${packet.length} bytes, expected 1 to ${largestPacket}`);
  }

  return {
    decode(packet, into) {
      check(packet);
      return attempt(() => write(handle.decode(packet), into));
    },
    conceal(into) {
      whileOpen(open);
      attempt(() => write(handle.decodePacketLoss(frameSamples), into));
    },
    recover(next, into) {
      check(next);
      attempt(() => write(handle.decode(next, oneFrameOfFec), into));
    },
    close() {
      open = false;
      handle.free();
    },
  };
}
