/**
 * One member of a call, and the way in: somebody whose INVITE waits for its answer, or whose session with the service of direct
 * calls is there already. Who has to be called is in called-party.ts. Each comes once, and goes once.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { IncomingInvite, Session } from "../sip/endpoint.ts";
import { quote } from "../sip/header.ts";
import type { Headers } from "../sip/message.ts";
import type { Refusal } from "./call-machine.ts";
import type { LegHolder, Legs } from "./legs.ts";
import { offerIn, sdpType } from "./offer.ts";
import type { Loan } from "./session.ts";

export interface PartyListener {
  /** A terminal rings. */
  ringing(): void;
  /** In the call, and heard there. */
  there(): void;
  /** Nothing is heard of the party any more. `refusal`: it never came. */
  gone(refusal?: Refusal): void;
}

export interface Party {
  /** Whoever waits for an answer is told that somebody is being called. */
  ring(): void;
  /** The call stands: whoever waits for an answer gets it, and whoever was there all the time is told of the call. */
  answer(): void;
  /** Out of the call; nothing is told any more. `refusal`: for whoever still waits for an answer. */
  end(refusal: Refusal): void;
}

/** Brings a member into the call of this name; nothing is told before it has returned. */
export type OpenParty = (call: string, listener: PartyListener) => Party;

/** RFC 3326: why, for those who show it to people. */
export function reasonOf({ status, words }: Refusal): Headers {
  return words === undefined ? [] : [["reason", `SIP;cause=${status};text=${quote(words)}`]];
}

/** Somebody who calls. Throws ProtocolError for an INVITE whose offer cannot be read. */
export function callingParty(legs: Legs, invite: IncomingInvite, holder: LegHolder): OpenParty {
  const offer = offerIn(invite);

  return (call, listener) => {
    let session: Session | undefined;
    let description = "";

    function gone(refusal?: Refusal): void {
      legs.release(leg);
      listener.gone(refusal);
    }

    const leg = legs.provision(
      holder,
      call,
      {
        offer(sdp) {
          description = sdp;
          listener.there();
        },
        answer(sdp) {
          description = sdp;
        },
        ready() {
          if (offer !== undefined) listener.there();
        },
        refused(status) {
          gone();
          end({ status });
        },
        lost() {
          gone();
          end({ status: 480 });
        },
      },
      offer,
    );
    invite.onCancel = () => gone({ status: 487 });

    function onConfirmed(answer?: string): void {
      if (offer !== undefined) return;
      if (answer !== undefined) return legs.accept(leg, answer);
      gone();
      end({ status: 488 });
    }

    function end(refusal: Refusal): void {
      legs.release(leg);
      if (session) session.end();
      else invite.respond(refusal.status, { headers: reasonOf(refusal) });
    }

    return {
      ring: () => invite.respond(180),
      answer() {
        const handlers = { onConfirmed, onEnd: gone, ...legs.inSession(leg) };
        session = invite.accept({ type: sdpType, content: description }, handlers);
      },
      end,
    };
  };
}

/** Lends a session to a call; undefined: there is none. */
export type Lend = (call: string, onGone: () => void) => Loan | undefined;

/**
 * Somebody whose session with the service of direct calls is borrowed, or who is called where there is none. While the others are
 * still being called, it is left where it is: what its user says now would be heard by nobody.
 */
export function reachedParty(clock: Clock, lend: Lend, called: OpenParty): OpenParty {
  return (call, listener) => {
    const loan = lend(call, gone);
    if (!loan) return called(call, listener);
    const cancel = clock.after(0, listener.there);
    let isGone = false;

    function gone(): void {
      isGone = true;
      cancel();
      listener.gone();
    }
    return {
      ring() {},
      answer() {
        if (!isGone) loan.use();
      },
      end() {
        cancel();
        if (!isGone) loan.giveBack();
      },
    };
  };
}

/** Tells when a party is in the call, and when no more. */
export function counted(enter: OpenParty, onStanding: (change: 1 | -1) => void): OpenParty {
  return (call, listener) => {
    let stands = false;
    function stand(next: boolean): void {
      if (stands !== next) onStanding(next ? 1 : -1);
      stands = next;
    }
    const party = enter(call, {
      ...listener,
      there() {
        stand(true);
        listener.there();
      },
      gone(refusal) {
        stand(false);
        listener.gone(refusal);
      },
    });
    return {
      ...party,
      end(refusal) {
        stand(false);
        party.end(refusal);
      },
    };
  };
}

/** Somebody who does not come. */
export function turnedAway(clock: Clock, refusal: Refusal): OpenParty {
  return (_, listener) => {
    // Nothing is told before this has returned.
    const end = clock.after(0, () => listener.gone(refusal));
    return { ring() {}, answer() {}, end };
  };
}

/**
 * Holds something for as long as the party comes or is there: `seize` gives the way to give it back, once. Where it gives none,
 * `otherwise` comes instead.
 */
export function holding(enter: OpenParty, seize: () => (() => void) | undefined, otherwise = enter): OpenParty {
  return (call, listener) => {
    const giveBack = seize();
    if (!giveBack) return otherwise(call, listener);
    const party = enter(call, {
      ...listener,
      gone(refusal) {
        giveBack();
        listener.gone(refusal);
      },
    });
    return {
      ...party,
      end(refusal) {
        giveBack();
        party.end(refusal);
      },
    };
  };
}
