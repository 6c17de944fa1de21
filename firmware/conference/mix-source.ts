/**
 * One who may be heard in a mix. While nothing of it is speech it costs a look at each packet; with the first word it is decoded, from
 * a little before, and until it has been silent for a while. It does not know who hears it, nor who else speaks.
 */
import { frameSamples } from "../../hal/audio/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { CodecName } from "../media/codec.ts";
import { loudness } from "../media/level.ts";
import { openPlayout, type Playout } from "../media/playout.ts";
import type { RtpView } from "../media/rtp.ts";
import { speechDetector } from "../media/speech-detector.ts";
import { keptPackets } from "./kept-packets.ts";

export interface MixSource {
  readonly codec: CodecName;
  /** What `fill` wrote last: 20 ms at 48 kHz. */
  readonly frame: Int16Array;
  /**
   * A packet of it, `view` numbered as the source meant it. `known`: it is speech, whatever it sounds like; otherwise that is found
   * out. True when it speaks and is not decoded yet: `open` is to be called if there is room.
   */
  take(packet: Uint8Array, view: RtpView, nowMs: number, known: boolean): boolean;
  /** Decodes from now on; `opened` is called when it does. */
  open(opened: () => void): void;
  /** Writes the next frame. "over": nothing more will come of what it said. */
  fill(nowMs: number): "sound" | "silence" | "over";
  /** RMS of what it said lately. */
  level(): number;
  /** Whether it has spoken within the hang time. */
  speaks(nowMs: number): boolean;
  /** Nothing more comes of it: what is there fades out. */
  end(): void;
  /** Decodes no more. */
  close(): void;
}

/** Pauses within a sentence are shorter, ms. */
const hangMs = 800;
/** Before speech was noticed, ms: SILK notices it with its second frame, a look at the level a little later. */
const preRollMs = { opus: 60, other: 200 };
/** What is left in the jitter buffer, or made up behind it, is over so long after the last packet, ms. */
const drainMs = 250;
/** What is left of the level after a frame. */
const decay = 0.9;
/** Who has just begun is taken for so loud: for a third of a second it is not faint. RMS. */
const unheard = 1_000;

export function mixSource(opus: Opus, codec: CodecName): MixSource {
  const detector = speechDetector(codec);
  const kept = keptPackets(codec === "opus" ? preRollMs.opus : preRollMs.other);
  const frame = new Int16Array(frameSamples);
  let playout: Playout | undefined;
  /** Counts what was opened: what opens for one that was closed meanwhile is not wanted any more. */
  let opening = 0;
  let isOpening = false;
  let ended = false;
  let spokeAt = Number.NEGATIVE_INFINITY;
  let fedAt = Number.NEGATIVE_INFINITY;
  let payloadType = -1;
  let level = 0;

  const speaks = (nowMs: number): boolean => !ended && nowMs - spokeAt < hangMs;

  function feed(into: Playout, packet: Uint8Array, view: RtpView, atMs: number): void {
    // As the source meant it: the keys of a telephone are numbered among its speech.
    packet[2] = view.sequence >> 8;
    packet[3] = view.sequence;
    into.receive(packet, atMs);
    fedAt = Math.max(fedAt, atMs);
  }

  function feedKept(into: Playout): void {
    kept.drain((packet, view, atMs) => feed(into, packet, view, atMs));
  }

  return {
    codec,
    frame,
    take(packet, view, nowMs, known) {
      if (ended) return false;
      if (view.payloadType !== payloadType) playout?.expect(new Map([[view.payloadType, codec]]));
      payloadType = view.payloadType;
      const { payloadOffset, payloadLength } = view;
      const isSpeech = known || detector.hear(packet.subarray(payloadOffset, payloadOffset + payloadLength));
      if (isSpeech) spokeAt = nowMs;
      if (playout && speaks(nowMs)) {
        feedKept(playout);
        feed(playout, packet, view, nowMs);
        return false;
      }
      kept.keep(packet, view, nowMs, isOpening);
      return isSpeech && !isOpening;
    },
    open(opened) {
      const own = ++opening;
      isOpening = true;
      void openPlayout({ opus, payloadTypes: new Map([[payloadType, codec]]) }).then((ready) => {
        if (own !== opening) return ready.close();
        isOpening = false;
        playout = ready;
        // Nothing of it was measured yet: where all begin at once, none is to push out the next.
        level = unheard;
        ready.expect(new Map([[payloadType, codec]]));
        feedKept(ready);
        opened();
      });
    },
    fill(nowMs) {
      const sounds = playout?.fill(frame, nowMs) ?? false;
      level = Math.max(level * decay, sounds ? loudness(frame) : 0);
      if (sounds) return "sound";
      return playout && (speaks(nowMs) || nowMs - fedAt < drainMs) ? "silence" : "over";
    },
    level: () => level,
    speaks,
    end() {
      ended = true;
      kept.clear();
    },
    close() {
      opening++;
      isOpening = false;
      playout?.close();
      playout = undefined;
      level = 0;
    },
  };
}
