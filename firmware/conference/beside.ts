/**
 * What goes on beside the bursts of a call: what was recorded makes way for them, the voice log takes them, and those who are there hear
 * that it does. It decides nothing about who talks.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { FloorMessage } from "../floor/message.ts";
import { announcer } from "./announcer.ts";
import type { Leg } from "./contract.ts";
import type { ConferenceEvent, TalkgroupSettings } from "./protocol.ts";
import type { BurstTap } from "./tap.ts";

export interface Beside {
  /** A burst is about to be heard. `speaker` as floor messages name who talks. */
  opens(speaker: string, party: string): void;
  closes(): void;
  /** A participant is told this: a talker who is revoked is cut. */
  tells(told: { readonly participant: string; readonly message: FloorMessage }): void;
  joined(leg: Leg): void;
  /** Whose burst it is has gone. */
  lost(): void;
  /** A key that none of the floor is. */
  key(leg: Leg, key: string): void;
  close(): void;
}

/** Asks for the last burst again, where it is recorded. */
const replayKey = "1";

export function besideBursts(
  ports: {
    readonly clock: Clock;
    readonly post: (event: ConferenceEvent) => void;
    readonly tap?: Pick<BurstTap, "begin" | "cut" | "end" | "close"> | undefined;
  },
  settings: TalkgroupSettings,
  call: {
    /** Those who hear it now. */
    readonly listeners: () => Iterable<Leg>;
    readonly isLive: () => boolean;
  },
): Beside {
  const { clock, post, tap } = ports;
  const announce = settings.announce && announcer(clock, { legs: call.listeners, isLive: call.isLive });
  let speaker: string | undefined;

  return {
    opens(by, party) {
      speaker = by;
      for (const leg of call.listeners()) leg.hush();
      tap?.begin(party);
    },
    closes() {
      tap?.end();
      announce?.over();
    },
    tells({ participant, message }) {
      if (participant === speaker && message.type === "revoke") tap?.cut("revoked");
    },
    joined: (leg) => announce?.joined(leg),
    lost: () => tap?.cut("lost"),
    key(leg, key) {
      if (key === replayKey && settings.record) post({ type: "replay-wanted", leg: leg.id, talkgroup: settings.name });
    },
    close() {
      tap?.close();
      announce?.close();
    },
  };
}
