/**
 * A member of a call who is called: at every terminal of the most preferred kind at once, then at the next ones (RFC 3261 §16.6, q).
 * The first that picks up is in the call; the others stop ringing. Phones of this realm are asked to pick up by themselves.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Credentials, Endpoint, Flow, Session } from "../sip/endpoint.ts";
import type { Headers } from "../sip/message.ts";
import { autoAnswer } from "./auto-answer.ts";
import type { Refusal } from "./call-machine.ts";
import { type LegHolder, type Legs, type LegUser, unfit } from "./legs.ts";
import { sdpType } from "./offer.ts";
import type { OpenParty, PartyListener } from "./party.ts";

/** Where somebody may be reached. */
export interface Destination {
  readonly uri: string;
  /** Absent: where the URI points. */
  readonly via?: Flow;
  /** Who calls, as it is shown there. */
  readonly from: string;
  readonly to: string;
  /** 0..1; those of the highest are called first. */
  readonly q: number;
  /** Of a server that asks for them. */
  readonly credentials?: Credentials;
  readonly headers?: Headers;
  /** It is somebody's telephone elsewhere, which is not asked to pick up by itself. */
  readonly rings?: true;
}

interface Branch {
  readonly stop: () => void;
}

const nowhere: Refusal = { status: 480, words: "no terminal of theirs can be reached" };
/** How long a terminal may ring, and a conference server take over a leg, ms. */
const ringMs = 60_000;
/** Statuses that are told to the caller as they are; any other is an absence (RFC 3261 §16.7 leaves 6xx to proxies that fork). */
const passed: ReadonlyMap<number, number> = new Map([
  [486, 486],
  [600, 486],
  [415, 488],
  [488, 488],
  [606, 488],
]);

export function calledParty(
  ports: { readonly clock: Clock; readonly legs: Legs; readonly sip: () => Endpoint },
  holder: LegHolder,
  destinations: readonly Destination[],
): OpenParty {
  const { clock, legs, sip } = ports;

  return (call, listener: PartyListener) => {
    const waiting = byPreference(destinations);
    const branches = new Set<Branch>();
    let refusal: Refusal | undefined;
    let pickedUp = false;

    /** A branch has failed; with the last one the next terminals are called. */
    function failed(branch: Branch, status: number): void {
      branches.delete(branch);
      const told = passed.get(status) ?? 480;
      if (!refusal || refusal.status === 480) refusal = { status: told };
      if (branches.size === 0) next();
    }

    function next(): void {
      const group = pickedUp ? undefined : waiting.shift();
      if (!group) return listener.gone(refusal ?? nowhere);
      for (const destination of group) branches.add(ring(destination));
    }

    /** The first who picks up; the others are told to stop. */
    function won(winner: Branch): void {
      pickedUp = true;
      for (const branch of branches) {
        if (branch === winner) continue;
        branches.delete(branch);
        branch.stop();
      }
    }

    function ring(destination: Destination, srtp = legs.srtpOver(destination.via)): Branch {
      let session: Session | undefined;
      let timer: Cancel | undefined = clock.after(ringMs, () => lose(408));

      function quiet(): void {
        timer?.();
        timer = undefined;
        legs.release(leg);
      }
      function lose(status: number): void {
        branch.stop();
        failed(branch, status);
      }

      /** Of a terminal that cannot do what it was offered: it is asked again, for plain audio. */
      function turnedDown(status: number): boolean {
        if (srtp !== "offered" || !unfit.has(status)) return false;
        branches.delete(branch);
        branches.add(ring(destination, "accepted"));
        return true;
      }

      const user: LegUser = {
        offer(sdp) {
          session = invite(sdp);
        },
        answer() {},
        ready() {
          timer?.();
          timer = undefined;
          listener.there();
        },
        refused(status) {
          branch.stop();
          if (!turnedDown(status)) failed(branch, status);
        },
        lost: () => lose(480),
      };
      const leg = legs.provision(holder, call, user, undefined, srtp);
      const branch: Branch = {
        stop() {
          quiet();
          session?.end();
        },
      };

      function invite(offer: string): Session {
        const { uri, via, from, to, credentials, headers = [], rings = false } = destination;
        return sip().invite(
          {
            method: "INVITE",
            ...{ uri, from, to },
            ...(via && { via }),
            ...(credentials && { credentials }),
            headers: [...(rings ? [] : autoAnswer), ...headers],
            body: { type: sdpType, content: offer },
          },
          {
            onProgress(status) {
              if (status >= 180) listener.ringing();
            },
            onAnswer(response) {
              won(branch);
              legs.accept(leg, new TextDecoder().decode(response.body));
            },
            onRefused(status) {
              quiet();
              if (!turnedDown(status)) failed(branch, status);
            },
            onEnd() {
              quiet();
              failed(branch, 480);
            },
            ...legs.inSession(leg),
          },
        );
      }

      return branch;
    }

    // Nothing is told before this has returned.
    const begin = clock.after(0, next);
    return {
      ring() {},
      answer() {},
      end() {
        begin();
        for (const { stop } of branches) stop();
        branches.clear();
      },
    };
  };
}

/** The most preferred ones first; equals together. */
function byPreference(destinations: readonly Destination[]): Destination[][] {
  const groups = new Map<number, Destination[]>();
  for (const destination of destinations) {
    const group = groups.get(destination.q) ?? [];
    groups.set(destination.q, [...group, destination]);
  }
  return [...groups].sort(([one], [other]) => other - one).map(([, group]) => group);
}
