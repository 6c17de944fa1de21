/**
 * The talker's half of an agent: microphone frames in, Opus packets out, from the edge of the press to the edge of the release.
 * Speech is encoded from the press on and kept until the floor is granted, so that the first word is not lost; the release
 * waits for the frame that is being spoken, so that the last one is whole. It knows no sockets and no floor messages.
 */
import { frameMs, frameSamples } from "../../hal/audio/port.ts";
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { expectedLoss } from "./expected-loss.ts";
import { preRoll } from "./pre-roll.ts";

export interface TalkerHandlers {
  /** A packet of 20 ms; the callee's during the call. `timestamp` at 48 kHz. `first`: it follows a silence. */
  send(packet: Uint8Array, timestamp: number, first: boolean): void;
  /** The floor is ours, and the microphone has given nothing for `deadMs`. */
  onDead(): void;
}

/** A grant that takes longer is no blink any more; and a jitter buffer holds hardly more at once. */
const preRollFrames = 50;
/** The encoder holds the end of each frame back for the next one (RFC 6716 §2.1.4: 5 ms, and 1.5 ms of libopus's own). */
const encoderDelayMs = 6.5;
/** A sound card hands out no frame later than this; a release waits no longer for its last one, ms. */
const lateMs = 200;
/** Below T1 (TS 24.380: 4 s), so that the floor is given back before the server takes it and it is asked for again. */
const deadMs = 3_000;

export async function openTalker(
  ports: { readonly clock: Clock; readonly opus: Opus },
  options: { readonly bitrate: number; readonly firstTimestamp: number },
  handlers: TalkerHandlers,
) {
  const { clock } = ports;
  const encoder = await ports.opus.encoder({ bitrate: options.bitrate });
  const kept = preRoll(preRollFrames);
  const loss = expectedLoss();
  encoder.setLoss(loss.percent());

  let speaking: "silent" | "keeping" | "talking" = "silent";
  /** The next packet sent follows a silence. */
  let first = true;
  let timestamp = options.firstTimestamp;
  let pressedAt = 0;
  /** The microphone has delivered what was said before this, monotonic ms. */
  let heardUntil = clock.now();
  let ending: { readonly until: number; readonly done: () => void; readonly late: Cancel } | undefined;
  let stopVigil: Cancel = () => {};

  function send(packet: Uint8Array, at: number): void {
    handlers.send(packet, at, first);
    first = false;
  }

  /** The timestamp counts samples, spoken or not, and those that a device lost (RFC 3550 §5.1). */
  function count(at: number): void {
    const missed = Math.max(0, Math.round((at - heardUntil) / frameMs));
    timestamp = (timestamp + (missed + 1) * frameSamples) >>> 0;
    heardUntil = at + frameMs;
    if (missed > 0) first = true;
  }

  function endRelease(): void {
    const ended = ending;
    ending = undefined;
    ended?.late();
    ended?.done();
  }

  function watchMicrophone(ms: number): void {
    stopVigil();
    stopVigil = clock.after(ms, () => {
      const silentMs = clock.now() - heardUntil;
      if (silentMs >= deadMs) handlers.onDead();
      else watchMicrophone(deadMs - silentMs);
    });
  }

  return {
    talking: () => speaking === "talking",
    /** The other end reports so much lost, percent. */
    expectLoss(percent: number): void {
      loss.reported(percent);
      encoder.setLoss(loss.percent());
    },
    /** The button went down at `at`, monotonic ms. */
    press(at: number): void {
      endRelease();
      pressedAt = at;
    },
    /** The button went up at `at`. `done` is called when the microphone has delivered all that was said before. */
    release(at: number, done: () => void): void {
      endRelease();
      const until = at + encoderDelayMs;
      if (speaking === "silent" || heardUntil >= until) return done();
      ending = { until, done, late: clock.after(lateMs, endRelease) };
    },
    /** Keeps what is said from the press on. */
    keep(): void {
      kept.clear();
      speaking = "keeping";
    },
    /** The floor is ours: what was kept is sent at once, then every frame as it comes. */
    talk(): void {
      if (speaking === "talking") return;
      speaking = "talking";
      first = true;
      kept.drain(send);
      watchMicrophone(deadMs);
    },
    mute(): void {
      stopVigil();
      kept.clear();
      // What the encoder holds of this burst may never have been sent, and is not heard in the next.
      if (speaking !== "silent") encoder.forget();
      speaking = "silent";
    },
    /** A frame whose first sample was captured at `at`. */
    capture(frame: Int16Array, at: number): void {
      count(at);
      if (speaking !== "silent" && heardUntil > pressedAt) {
        const packet = encoder.encode(frame);
        if (speaking === "keeping") kept.keep(packet, timestamp);
        else send(packet, timestamp);
      }
      if (ending && heardUntil >= ending.until) endRelease();
    },
    close(): void {
      ending?.late();
      ending = undefined;
      stopVigil();
      encoder.close();
    },
  };
}
