/**
 * A user agent without a screen: it registers, subscribes to a talkgroup, answers the conference server's INVITE and speaks
 * RTP and floor control there, for a panel or a thin terminal. To the presence and conference servers it is a
 * terminal like any phone. It decides when speech is kept, sent and stopped; it knows no pins, no sound card and
 * nothing of what the servers do inside.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { causeWords } from "../floor/message.ts";
import type { Log } from "../log.ts";
import type { PortRange } from "../media/port-pair.ts";
import { openFloorControl } from "./floor-control.ts";
import { halfDuplex } from "./half-duplex.ts";
import { openSignalling } from "./signalling.ts";
import type { ChosenStatus } from "./status-document.ts";
import { openTalker } from "./talker.ts";
import { openVoice } from "./voice.ts";

/** What the agent tells whoever it speaks for. */
export interface AgentSignals {
  /** The session with the conference server stands (or not): a press will be heard. */
  ready(ready: boolean): void;
  /** The floor is ours: what is said from the press on is heard. */
  permit(): void;
  /** The floor is no longer ours, or no longer asked for, by our own release. */
  unkeyed(): void;
  /** The press is in vain; it must be let go. */
  denied(): void;
  /** The burst was cut short; the button must be let go. */
  revoked(): void;
  /** Somebody talks (an identity, or "" where it is withheld), or nobody does. */
  listening(party: string | undefined): void;
  /** Others are told of the status that was chosen, or no more. */
  statusShown(shown: boolean): void;
}

export interface AgentOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly talkgroup: string;
  /** The address to speak from, and the ports among which RTP and RTCP find a pair. SIP takes any free port. */
  readonly range: PortRange;
  /** Where the presence server listens for SIP over UDP, and what it sends from: no wildcard. */
  readonly server: Address;
  /** Floor priority asked for, 0..255. */
  readonly priority: number;
  /** bit/s of the microphone's Opus stream. */
  readonly bitrate: number;
}

export interface Agent {
  /** The button went down, or up. `at`: monotonic ms of the edge. */
  press(at: number): void;
  release(at: number): void;
  /** A microphone frame of 960 samples at 48 kHz, whose first was captured at `at`. It is not kept. */
  capture(frame: Int16Array, at: number): void;
  /** Writes 960 samples of received speech, or silence. */
  fill(frame: Int16Array): void;
  /** What others are told of the user, whatever the server makes of the rest; undefined: nothing of one's own. */
  choose(status: ChosenStatus | undefined): void;
  close(): Promise<void>;
}

/** Comes back by itself whatever befalls its server. Rejects with DeviceError when no port can be bound. */
export async function openAgent(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly network: Network;
    readonly opus: Opus;
    readonly log: Log;
  },
  options: AgentOptions,
  signals: AgentSignals,
): Promise<Agent> {
  const { clock, log } = ports;
  const { talkgroup, user, realm, range } = options;
  const who = { talkgroup, user };

  const voice = await openVoice(
    ports,
    { range, cname: `${user}@${realm}` },
    {
      onFloor: (packet) => floor.receive(packet),
      onSpeech: () => floor.speech(),
      onLoss: (percent) => talker.expectLoss(percent),
      onLost: () => signalling.lost(),
    },
  );
  const firstTimestamp = Math.floor(ports.random.fraction() * 0x8000_0000);
  const talker = await openTalker(
    ports,
    { bitrate: options.bitrate, firstTimestamp },
    {
      send: voice.send,
      onDead() {
        log.warn(who, "the microphone gives nothing: the floor is released");
        floor.unpress();
        signals.revoked();
      },
    },
  );
  const mute = halfDuplex();

  const floor = openFloorControl(
    { clock, send: voice.sendFloor },
    { ssrc: voice.ssrc, priority: options.priority },
    {
      capture: talker.keep,
      talk() {
        talker.talk();
        signals.permit();
      },
      mute() {
        talker.mute();
        signals.unkeyed();
      },
      denied(cause) {
        talker.mute();
        log.info({ ...who, reason: causeWords("deny", cause) }, "floor denied");
        signals.denied();
      },
      revoked(cause) {
        talker.mute();
        log.warn({ ...who, reason: causeWords("revoke", cause) }, "floor revoked");
        signals.revoked();
      },
      failed() {
        const cut = talker.talking();
        talker.mute();
        log.warn(who, cut ? "the session ended in mid-burst" : "no answer to the floor request");
        if (cut) signals.revoked();
        else signals.denied();
      },
      listening: signals.listening,
    },
  );

  function close(): void {
    floor.close();
    voice.close();
    talker.close();
  }

  const signalling = await openSignalling(
    ports,
    { ...options, local: voice.local },
    {
      onSession(agreement) {
        floor.disconnected();
        voice.connect(agreement);
      },
      onConfirmed: () => signals.ready(true),
      onSessionEnd() {
        floor.disconnected();
        voice.disconnect();
        signals.ready(false);
      },
      onStatusShown: signals.statusShown,
    },
  ).catch((error: unknown) => {
    close();
    throw error;
  });

  return {
    press(at) {
      talker.press(at);
      if (voice.connected()) return floor.press();
      log.warn(who, "pressed while no session stands");
      signals.denied();
    },
    release: (at) => talker.release(at, floor.unpress),
    capture: talker.capture,
    fill(frame) {
      voice.fill(frame);
      mute(frame, talker.talking());
    },
    choose: signalling.choose,
    async close() {
      await signalling.close();
      close();
    },
  };
}
