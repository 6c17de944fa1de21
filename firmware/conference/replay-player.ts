/**
 * Plays what was recorded into the audio of one leg, at the pace at which it was said. Whatever is live comes before it: it is stopped
 * then, and does not come back. Whatever plays in the stream is numbered on by it.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { CodecName } from "../media/codec.ts";
import { samplesIn } from "../media/opus-packet.ts";
import { type SpeechPacket, speechIn } from "../media/packed-speech.ts";
import type { SourceNumbers } from "../media/rewriter.ts";
import { rtpHeaderLength } from "../media/rtp.ts";
import { type Conversion, openConversion } from "./conversion.ts";

export interface ReplayPlayer {
  sounding(): boolean;
  /** In place of one that sounds. `speech`: media/packed-speech.ts. `onOver`: however it ends, once. */
  play(speech: Uint8Array, codec: CodecName, onOver: () => void): void;
  stop(): void;
}

const frameMs = 20;
const frame = 960;
const longestPayload = 1_472 - rtpHeaderLength;

export function replayPlayer(
  { clock, opus }: { readonly clock: Clock; readonly opus: Opus },
  handlers: {
    /** A replay begins or is over: what is sent next begins anew. */
    readonly onTurn: () => void;
    /** `packet` has 12 bytes before its payload, and is reused. */
    readonly send: (packet: Uint8Array, numbers: SourceNumbers) => void;
  },
): ReplayPlayer {
  let end: (() => void) | undefined;

  function play(speech: Uint8Array, codec: CodecName, onOver: () => void): void {
    end?.();
    const packets = speechIn(speech);
    const packet = new Uint8Array(rtpHeaderLength + longestPayload);
    const numbers = { sequence: 0, timestamp: 0, marker: true };
    const conversion: Conversion | undefined =
      codec === "opus" ? undefined : openConversion(opus, "opus", codec, handlers.send);
    let next = take();
    let played = 0;
    /** Where the packet before ended. */
    let ended = next?.position ?? 0;

    function take(): SpeechPacket | undefined {
      const { value, done } = packets.next();
      return done ? undefined : value;
    }

    function say({ position, payload }: SpeechPacket): void {
      // What was lost when it was said is lost again, and concealed by whoever hears it.
      const lost = Math.round((position - ended) / frame);
      numbers.sequence = (numbers.sequence + Math.max(0, lost)) & 0xffff;
      numbers.timestamp = position;
      ended = position + samplesIn(payload);
      if (conversion) conversion.take(payload, numbers);
      else if (payload.length <= longestPayload) {
        packet.set(payload, rtpHeaderLength);
        handlers.send(packet.subarray(0, rtpHeaderLength + payload.length), numbers);
      }
      numbers.sequence = (numbers.sequence + 1) & 0xffff;
      numbers.marker = false;
    }

    function step(skipped = 0): void {
      for (; next && next.position <= played * frame; next = take()) say(next);
      if (!next && played * frame >= ended) return end?.();
      played += 1 + skipped;
    }

    const ticking: Cancel = clock.every(frameMs, step);
    end = () => {
      end = undefined;
      ticking();
      conversion?.close();
      handlers.onTurn();
      onOver();
    };
    handlers.onTurn();
    step();
  }

  return { sounding: () => end !== undefined, play, stop: () => end?.() };
}
