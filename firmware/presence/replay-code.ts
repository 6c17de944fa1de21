/**
 * A number that plays its caller the last burst of the talkgroups that they are in, in this call alone; then it is hung up. Who talks
 * there live ends it, so that nobody listens to what was while something is said. What is played is for others to find.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Log } from "../log.ts";
import type { IncomingInvite } from "../sip/endpoint.ts";
import { ProtocolError } from "../sip/message.ts";
import type { Account } from "./accounts.ts";
import { dialledLeg } from "./dialled-leg.ts";
import { holderIn, type Legs } from "./legs.ts";

/** What this room asks of a voice log. */
export interface LastBurst {
  /** Plays the latest burst of these talkgroups into the audio of a leg. `onOver`: once; false where there is none. */
  last(leg: string, talkgroups: readonly string[], onOver: (played: boolean) => void): void;
}

export interface ReplayCode {
  isCode(number: string): boolean;
  /** Answers. Throws ProtocolError: 503 too many, and for an INVITE whose offer cannot be read. */
  receive(account: Account, invite: IncomingInvite): void;
  /** Somebody talks there. */
  live(talkgroup: string): void;
  /** Hangs up those of a user. */
  leave(user: string): void;
  close(): void;
}

const code = "*75";
const mostOpen = 20;
/** The tone that says that there is nothing is heard to its end, ms. */
const toneMs = 1_500;

/** `recordings`: absent where nothing is recorded; then this number is nobody's. */
export function replayCode(ports: {
  readonly clock: Clock;
  readonly log: Log;
  readonly legs: Legs;
  readonly recordings?: LastBurst | undefined;
}): ReplayCode {
  const { clock, log, legs, recordings } = ports;
  const open = new Map<() => void, Account>();

  function end(isMeant: (account: Account) => boolean): void {
    for (const [hangUp, account] of [...open]) if (isMeant(account)) hangUp();
  }

  return {
    isCode: (number) => number === code && recordings !== undefined,
    receive(account, invite) {
      if (open.size >= mostOpen) throw new ProtocolError(503, `${open.size} replays at once`);
      const { user, talkgroups } = account;
      let timer: Cancel | undefined;
      const over = (): void => {
        if (open.has(hangUp)) hangUp();
      };
      const hangUp = dialledLeg(legs, invite, holderIn(account, code), undefined, {
        onStanding(change, leg) {
          if (change < 0) return;
          recordings?.last(leg, [...talkgroups], (played) => {
            if (played || !open.has(hangUp)) return over();
            legs.tone(leg, "deny");
            timer = clock.after(toneMs, over);
          });
        },
        onOver() {
          timer?.();
          open.delete(hangUp);
        },
      });
      open.set(hangUp, account);
      log.info({ event: "replay", user }, "the last burst is asked for by telephone");
    },
    live: (talkgroup) => end((account) => account.talkgroups.has(talkgroup)),
    leave: (user) => end((account) => account.user === user),
    close: () => end(() => true),
  };
}
