/** Performs what the session timer decides: refreshes by UPDATE where the far end takes it, otherwise by an INVITE that changes nothing. */
import { run } from "../machine.ts";
import type { Asked } from "./asking.ts";
import type { Body } from "./contract.ts";
import type { Conversation } from "./conversation.ts";
import type { Core } from "./core.ts";
import { secondsIn } from "./expires.ts";
import { type Headers, headers, ProtocolError, type SipMessage, type SipRequest, type SipResponse } from "./message.ts";
import { intervalAfter, proposal, type Terms, termsOf } from "./session-terms.ts";
import { type SessionTimerState, sessionTimer } from "./session-timer.ts";

export interface Refreshing {
  /** A 2xx that this side sent agreed on these terms. */
  agreed(terms: Terms | undefined): void;
  terms(): Terms | undefined;
  /** What the far end says in Allow. */
  learn(message: SipMessage): void;
  /** An INVITE of this side is not answered yet. */
  inviting(): boolean;
  /** As Session.probe. */
  probe(onVerdict: (known: boolean) => void): void;
  close(): void;
}

export function keepFresh(
  core: Core,
  conversation: Conversation,
  session: {
    /** This side chose the Call-ID. */
    readonly owner: boolean;
    readonly terms: Terms | undefined;
    /** The description that this side gave last. */
    readonly description: () => Body | undefined;
    /** An INVITE of the far end is still open. */
    readonly invited: () => boolean;
    /** The session must end: `cause` as in Reason. */
    readonly giveUp: (cause: number) => void;
  },
): Refreshing {
  let byUpdate = false;
  let inviting: Asked | undefined;
  /** The largest that a 422 asked for, seconds. */
  let minimum: number | undefined;
  /** Whoever waits for the far end to show that it knows the session. */
  let doubts: ((known: boolean) => void)[] = [];

  const initial: SessionTimerState = { in: "unlimited" };
  const machine = run(sessionTimer, initial as SessionTimerState, core.clock, (effect) => {
    switch (effect.do) {
      case "refresh":
        return refresh(effect.seconds);
      case "give-up":
        return session.giveUp(effect.cause);
    }
  });

  function refresh(seconds: number): void {
    if (!touch(proposal(seconds, minimum), (response) => answered(response, seconds))) refused(491);
  }

  /** Sends what changes nothing; false when it may not be sent now. */
  function touch(terms: Headers, onAnswer: (response: SipResponse) => void): boolean {
    const { allow, supported } = core.can;
    const said: Headers = [allow, supported, conversation.contact(), ...terms];
    const final = (response: SipResponse): void => {
      const asked = doubts;
      doubts = [];
      onAnswer(response);
      for (const tell of asked) tell(knows(response));
    };
    if (byUpdate) {
      conversation.request("UPDATE", { headers: said }, (response) => {
        if (response.status < 300) retarget(response);
        final(response);
      });
      return true;
    }
    // RFC 3261 §14.1: not while another one is open.
    if (inviting || session.invited()) return false;
    let first = true;
    const body = session.description();
    inviting = conversation.request("INVITE", { headers: said, ...(body && { body }) }, (response, sent) => {
      // A repeated 2xx wants its ACK again (§13.2.2.4).
      if (response.status < 300) acknowledge(response, sent);
      if (!first) return;
      first = false;
      inviting = undefined;
      final(response);
    });
    return true;
  }

  function probe(onVerdict: (known: boolean) => void): void {
    if (machine.state().in === "over") return;
    const terms = limit();
    // What is said without a limit would lift the one that there is (RFC 4028 §7.2).
    const said = terms ? proposal(terms.seconds, minimum) : [];
    const sent = inviting !== undefined || touch(said, probed);
    if (sent) doubts.push(onVerdict);
    else onVerdict(false);
  }

  function probed(response: SipResponse): void {
    if (response.status >= 300) return;
    learn(response);
    machine.send({ type: "agreed", terms: termsOf(response), answer: false });
  }

  function acknowledge(response: SipResponse, sent: SipRequest): void {
    retarget(response);
    conversation.acknowledge(sent);
  }

  /** A Contact that cannot be read moves nothing. */
  function retarget(response: SipResponse): void {
    try {
      conversation.retarget(response);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  function answered(response: SipResponse, seconds: number): void {
    const { status } = response;
    if (status < 300) {
      learn(response);
      return machine.send({ type: "agreed", terms: termsOf(response), answer: true });
    }
    const longer = status === 422 ? intervalAfter(response, seconds) : undefined;
    minimum = longer ?? minimum;
    // What was said in Allow is not so; the next attempt is made the other way.
    if (status !== 422 && status !== 491 && status !== 503) byUpdate = false;
    refused(status, longer, secondsIn(response, "retry-after"));
  }

  function refused(status: number, longer?: number, retryAfter?: number): void {
    const fraction = core.random.fraction();
    machine.send({ type: "refused", status, longer, retryAfter, owner: session.owner, fraction });
  }

  function learn(message: SipMessage): void {
    const allowed = headers(message, "allow");
    if (allowed.length > 0) byUpdate = allowed.some((value) => /(?:^|[,\s])UPDATE(?:$|[,\s])/.test(value));
  }

  function limit(): Terms | undefined {
    const state = machine.state();
    return state.in === "limited" ? state.terms : undefined;
  }

  machine.send({ type: "agreed", terms: session.terms, answer: false });
  return {
    agreed: (terms) => machine.send({ type: "agreed", terms, answer: false }),
    terms: limit,
    probe,
    learn,
    inviting: () => inviting !== undefined,
    close() {
      machine.send({ type: "end" });
      doubts = [];
      inviting?.cancel();
    },
  };
}

/** 491 and 422 (RFC 4028 §6) are answers of somebody who has the session, too. */
function knows({ status }: SipResponse): boolean {
  return status < 300 || status === 491 || status === 422;
}
