/**
 * One line of an agent: a session with the conference server, with a voice and floor control of its own. It does not know what the
 * line is for, which other lines there are, or where the microphone is.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";
import { decodeFloor, type FloorMessage } from "../floor/message.ts";
import type { Urgency } from "../floor/urgency.ts";
import type { PortRange } from "../media/port-pair.ts";
import type { SessionHandlers } from "./answering.ts";
import { type FloorHandlers, openFloorControl } from "./floor-control.ts";
import { openVoice } from "./voice.ts";

export interface LinePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly opus: Opus;
  readonly srtp: Srtp;
}

export interface LineOptions {
  readonly range: PortRange;
  readonly cname: string;
  /** Floor priority asked for, 0..255. */
  readonly priority: number;
  /** So long before the end of a burst its talker is warned, ms. 0: never. */
  readonly warningMs: number;
}

export interface LineHandlers extends FloorHandlers {
  /** The session stands, or not: a press will be heard. */
  ready(ready: boolean): void;
  /** The server loses this share of what is said, in percent. */
  onLoss(percent: number): void;
  /** The server gives no sign of life. */
  onLost(): void;
}

export interface Line {
  /** Where its voice listens for RTP. */
  readonly local: Address;
  /** What signalling tells it. */
  readonly session: SessionHandlers;
  stands(): boolean;
  press(urgency?: Urgency): void;
  unpress(): void;
  /** What was urgent is so no more. */
  calm(): void;
  /** `packet`: Opus, 20 ms. `first`: it follows a silence. */
  send(packet: Uint8Array, timestamp: number, first: boolean): void;
  /** Writes 960 samples of received speech, or silence. True when speech was written. */
  fill(frame: Int16Array): boolean;
  /** Whoever had its floor, and what was asked of it, is void. */
  clearFloor(): void;
  /** A packet beside floor control. */
  sendControl(packet: Uint8Array): void;
  /** Of what it sends. */
  readonly ssrc: number;
  close(): void;
}

/** Rejects with DeviceError when no ports are free. */
export async function openLine(
  ports: LinePorts,
  { range, cname, priority, warningMs }: LineOptions,
  handlers: LineHandlers,
  /** What is peculiar to a line whose session is parked between calls; absent: it is in its call while it stands. */
  parking?: {
    /** Whether a floor message is of the call that is connected now. */
    readonly admits: (message: FloorMessage) => boolean;
    readonly onCallControl: (packet: Uint8Array) => void;
  },
): Promise<Line> {
  const voice = await openVoice(
    ports,
    { range, cname },
    {
      onFloor(packet) {
        const decoded = decodeFloor(packet);
        if (decoded && (parking?.admits(decoded.message) ?? true)) floor.receive(decoded);
      },
      onCallControl: (packet) => parking?.onCallControl(packet),
      onSpeech: () => floor.speech(),
      onLoss: handlers.onLoss,
      onLost: handlers.onLost,
    },
  );
  const floor = openFloorControl(
    { clock: ports.clock, send: voice.sendFloor },
    { ssrc: voice.ssrc, priority, warningMs },
    handlers,
  );

  return {
    local: voice.local,
    ssrc: voice.ssrc,
    session: {
      onSession(agreement) {
        floor.disconnected();
        voice.connect(agreement);
      },
      onConfirmed: () => handlers.ready(true),
      onSessionEnd() {
        floor.disconnected();
        voice.disconnect();
        handlers.ready(false);
      },
    },
    stands: voice.connected,
    press: floor.press,
    unpress: floor.unpress,
    calm: floor.calm,
    send: voice.send,
    fill: voice.fill,
    clearFloor: floor.disconnected,
    sendControl: voice.sendFloor,
    close() {
      floor.close();
      voice.close();
    },
  };
}
