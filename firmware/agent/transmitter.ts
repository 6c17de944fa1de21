/**
 * The one button and the one microphone of an agent, for several lines. A press is for one line, and its burst stays there until the
 * button is let go, whatever happens meanwhile: what was begun for one is never heard by others.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { causeWords } from "../floor/message.ts";
import type { Urgency } from "../floor/urgency.ts";
import type { Log } from "../log.ts";
import type { FloorHandlers } from "./floor-control.ts";
import { openTalker } from "./talker.ts";

/** Where a burst may go. */
export interface Outlet {
  stands(): boolean;
  press(urgency?: Urgency): void;
  unpress(): void;
  send(packet: Uint8Array, timestamp: number, first: boolean): void;
}

/** What comes of a press. */
export interface TransmitterSignals {
  /** The floor is ours: what is said from the press on is heard. */
  permit(): void;
  /** The press waits for the floor: 1 is next. */
  queued(position: number): void;
  /** What is said will soon be cut off. */
  warned(): void;
  /** The floor is no longer ours, or no longer asked for, by our own release. */
  unkeyed(): void;
  /** The press is in vain; it must be let go. */
  denied(): void;
  /** The burst was cut short; the button must be let go. */
  revoked(): void;
}

export interface Transmitter {
  /** The button went down for `line`, or up. `at`: monotonic ms of the edge. */
  press(at: number, line: Outlet, urgency?: Urgency): void;
  release(at: number): void;
  capture(frame: Int16Array, at: number): void;
  /** The floor is ours. */
  talking(): boolean;
  talkingOn(line: Outlet): boolean;
  expectLoss(percent: number): void;
  /** What the floor of a line asks of the microphone; `who` for the log. */
  floorOf(who: object): Omit<FloorHandlers, "listening" | "urgent">;
  close(): void;
}

export async function openTransmitter(
  ports: { readonly clock: Clock; readonly random: Random; readonly opus: Opus; readonly log: Log },
  /** bit/s. `who` for the log. */
  { bitrate, who }: { readonly bitrate: number; readonly who: object },
  signals: TransmitterSignals,
): Promise<Transmitter> {
  const { log } = ports;
  let line: Outlet | undefined;

  const talker = await openTalker(
    ports,
    { bitrate, firstTimestamp: Math.floor(ports.random.fraction() * 0x8000_0000) },
    {
      send: (packet, timestamp, first) => line?.send(packet, timestamp, first),
      onDead() {
        log.warn(who, "the microphone gives nothing: the floor is released");
        line?.unpress();
        signals.revoked();
      },
    },
  );

  return {
    press(at, wanted, urgency) {
      // The button of an emergency is pressed beside the one that talks already.
      if (line === wanted && talker.talking()) return line.press(urgency);
      // Ends a release that waits for its last frame, while the line is still that of its burst.
      talker.press(at);
      if (line !== wanted) line?.unpress();
      line = wanted;
      if (line.stands()) return line.press(urgency);
      log.warn(who, "pressed while no session stands");
      signals.denied();
    },
    release: (at) => talker.release(at, () => line?.unpress()),
    capture: talker.capture,
    talking: talker.talking,
    talkingOn: (candidate) => line === candidate && talker.talking(),
    expectLoss: talker.expectLoss,
    floorOf: (of) => ({
      capture: talker.keep,
      talk() {
        talker.talk();
        signals.permit();
      },
      queued(position) {
        talker.mute();
        log.info({ ...of, position }, "waiting for the floor");
        signals.queued(position);
      },
      warned() {
        log.info(of, "the burst will soon be cut");
        signals.warned();
      },
      mute() {
        talker.mute();
        signals.unkeyed();
      },
      denied(cause) {
        talker.mute();
        log.info({ ...of, reason: causeWords("deny", cause) }, "floor denied");
        signals.denied();
      },
      revoked(cause) {
        talker.mute();
        log.warn({ ...of, reason: causeWords("revoke", cause) }, "floor revoked");
        signals.revoked();
      },
      failed(why) {
        const cut = talker.talking();
        talker.mute();
        log.warn(of, why === "no-answer" ? "no answer to the floor request" : "the session ended in mid-burst");
        if (cut) signals.revoked();
        else signals.denied();
      },
    }),
    close: talker.close,
  };
}
