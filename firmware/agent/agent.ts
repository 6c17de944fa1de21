/**
 * A user agent without a screen: it registers, subscribes to a talkgroup and to private calls, answers the conference server's INVITEs and
 * speaks RTP and floor control there, for a panel or a thin terminal. To the presence and conference servers it is a
 * terminal like any phone. It decides which line a press is for and what of both is heard; it knows no pins, no sound card and
 * nothing of what the servers do inside.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";
import type { Urgency } from "../floor/urgency.ts";
import type { Log } from "../log.ts";
import type { PortRange } from "../media/port-pair.ts";
import { openDirectLine } from "./direct-line.ts";
import { directService } from "./direct-service.ts";
import { halfDuplex } from "./half-duplex.ts";
import { type Line, openLine } from "./line.ts";
import { listening, talkers } from "./listening.ts";
import { openSignalling } from "./signalling.ts";
import type { ChosenStatus } from "./status-document.ts";
import { openTransmitter, type TransmitterSignals } from "./transmitter.ts";

/** What the agent tells whoever it speaks for. */
export interface AgentSignals extends TransmitterSignals {
  /** The talkgroup's session with the conference server stands (or not): a press will be heard. */
  ready(ready: boolean): void;
  /** How urgent the talkgroup's call is from now on. */
  urgent(urgency: Urgency): void;
  /** Somebody talks (an identity, or "" where it is withheld), or nobody does. */
  listening(party: string | undefined): void;
  /** A private call is connected, and presses go there (who called, or "" where that is withheld); or there is none. */
  called(party: string | undefined): void;
  /** Others are told of the status that was chosen, or no more. */
  statusShown(shown: boolean): void;
}

export interface AgentOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly talkgroup: string;
  /** Talkgroups that are heard as well, each behind those before it, and never spoken in. Absent: none. */
  readonly monitors?: readonly string[];
  /** The address to speak from, and the ports among which RTP and RTCP find a pair for each line. SIP takes any free port. */
  readonly range: PortRange;
  /** Where the presence server listens for SIP over UDP, and what it sends from: no wildcard. */
  readonly server: Address;
  /** Floor priority asked for, 0..255. */
  readonly priority: number;
  /** So long before the end of a burst its talker is warned, ms. 0: never. */
  readonly talkWarningMs: number;
  /** bit/s of the microphone's Opus stream. */
  readonly bitrate: number;
}

export interface Agent {
  /** The button went down, or up. `at`: monotonic ms of the edge. What is urgent is for the talkgroup, whatever else is connected. */
  press(at: number, urgency?: Urgency): void;
  release(at: number): void;
  /** The urgency that was raised, or that a dispatcher judges of, is over. */
  calm(): void;
  /** A microphone frame of 960 samples at 48 kHz, whose first was captured at `at`. It is not kept. */
  capture(frame: Int16Array, at: number): void;
  /** Writes 960 samples of received speech, or silence. */
  fill(frame: Int16Array): void;
  /** Asks for the talkgroup's last burst once more: where it is recorded, it is heard by this agent alone, until somebody talks. */
  replay(): void;
  /** What others are told of the user, whatever the server makes of the rest; undefined: nothing of one's own. */
  choose(status: ChosenStatus | undefined): void;
  close(): Promise<void>;
}

const unheard = (): void => {};

/** Comes back by itself whatever befalls its server. Rejects with DeviceError when no port can be bound. */
export async function openAgent(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly network: Network;
    readonly opus: Opus;
    readonly srtp: Srtp;
    readonly log: Log;
  },
  options: AgentOptions,
  signals: AgentSignals,
): Promise<Agent> {
  const { log } = ports;
  const { talkgroup, monitors = [], user, realm, range, priority, bitrate, talkWarningMs: warningMs } = options;
  const who = { talkgroup, user };
  const whoDirect = { service: directService, user };
  const line = { range, cname: `${user}@${realm}`, priority, warningMs };
  const opened: (() => void)[] = [];
  const close = (): void => {
    for (let last = opened.pop(); last; last = opened.pop()) last();
  };

  try {
    const transmitter = await openTransmitter(ports, { bitrate, who }, signals);
    opened.push(transmitter.close);
    const [onTalkgroup = unheard, onDirect = unheard, ...onMonitors] = talkers(2 + monitors.length, signals.listening);
    const group = await openLine(ports, line, {
      ...transmitter.floorOf(who),
      listening: onTalkgroup,
      urgent(urgency) {
        log.info({ ...who, urgency }, "urgency of the talkgroup");
        signals.urgent(urgency);
      },
      ready: signals.ready,
      onLoss: transmitter.expectLoss,
      onLost() {
        // To begin anew ends the private call too. Who talks there hears no talkgroup: it can wait, and is told again.
        if (!transmitter.talkingOn(direct)) signalling.lost();
      },
    });
    opened.push(group.close);
    const direct = await openDirectLine(ports, line, {
      ...transmitter.floorOf(whoDirect),
      listening: onDirect,
      urgent() {},
      ready() {},
      onLoss: transmitter.expectLoss,
      onLost: () => signalling.directLost(),
      called(party) {
        log.info({ event: "private-call", user, party }, party === undefined ? "private call over" : "private call");
        signals.called(party);
      },
    });
    opened.push(direct.close);
    const further = new Map<string, Line>();
    for (const [index, name] of monitors.entries()) {
      const show = onMonitors[index] ?? unheard;
      const monitor = await openLine(ports, line, {
        // Nothing is pressed there.
        ...transmitter.floorOf({ talkgroup: name, user }),
        listening: (party) => show(party === undefined || party === "" ? party : `${party};group=${name}`),
        urgent() {},
        ready() {},
        onLoss() {},
        onLost: () => signalling.monitorLost(name),
      });
      opened.push(monitor.close);
      further.set(name, monitor);
    }
    const listen = listening(group.fill, direct.fill, ...[...further.values()].map(({ fill }) => fill));
    const mute = halfDuplex();
    const signalling = await openSignalling(
      ports,
      {
        ...options,
        local: { talkgroup: group.local, direct: direct.local },
        monitors: further,
      },
      {
        talkgroup: group.session,
        direct: direct.session,
        onStatusShown: signals.statusShown,
      },
    );

    return {
      press: (at, urgency) => transmitter.press(at, direct.inCall() && !urgency ? direct : group, urgency),
      calm: group.calm,
      release: transmitter.release,
      capture: transmitter.capture,
      fill(frame) {
        listen(frame);
        mute(frame, transmitter.talking());
      },
      replay: signalling.replay,
      choose: signalling.choose,
      async close() {
        await signalling.close();
        close();
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}
