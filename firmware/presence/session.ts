/** Performs the life of one pre-established session (session-machine.ts) between a conference server and a terminal. */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import type { Endpoint, Flow, Session } from "../sip/endpoint.ts";
import type { SrtpUse } from "../sip/negotiation.ts";
import type { Account } from "./accounts.ts";
import { autoAnswer } from "./auto-answer.ts";
import { direct } from "./direct.ts";
import { holderIn, type Legs, type LegUser, unfit } from "./legs.ts";
import { initialSession, sessionMachine } from "./session-machine.ts";

/** A terminal's place in a talkgroup, or with the service of direct calls. */
export interface SessionPlace {
  readonly account: Account;
  readonly talkgroup: string;
  /** "sip:ops@example.org", who calls. */
  readonly group: string;
  /** Names the terminal among those of the account. */
  readonly terminal: string;
  /** Its contact, and the way to it. */
  readonly contact: string;
  readonly flow: Flow;
}

export interface StandingSession {
  /** The terminal may have started anew, and know nothing of what stood: it is asked, and the session is set up again if so. */
  renew(flow: Flow): void;
  /** The terminal is reached by this flow from now on; a session that stands goes on. */
  move(flow: Flow): void;
  /** A connection is gone: if it was the way to the terminal, nothing is asked of it before it is heard of again. */
  cut(connection: Flow): void;
  /**
   * Lends its leg to a call of `caller`, from now until it is given back or `onGone`. Undefined while it does not stand, or
   * is lent already.
   */
  lend(call: string, caller: string, onGone: () => void): Loan | undefined;
  /** Whether it is the dialog of this Call-ID. */
  is(callId: string): boolean;
  end(): void;
}

/** Nothing is called after `onGone`. */
export interface Loan {
  /** The leg serves the call from now on; until then its user may talk elsewhere, and is told nothing. Called once. */
  use(): void;
  /** Called once. */
  giveBack(): void;
}

export function openSession(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly legs: Legs;
    readonly sip: () => Endpoint;
  },
  place: SessionPlace,
  /** The session stands, or does no more. */
  onStanding: (standing: boolean) => void,
): StandingSession {
  const { legs, random, log } = ports;
  const { account, talkgroup, group, contact } = place;
  let { flow } = place;
  let leg: string | undefined;
  /** What was offered last; and whether the terminal has turned down SRTP. */
  let srtp: SrtpUse = "off";
  let isPlain = false;
  let dialog: Session | undefined;
  /** Whoever has the leg. */
  let borrower: (() => void) | undefined;

  const failed = (cause: "refused" | "hung-up" | "lost") =>
    machine.send({ type: "failed", cause, fraction: random.fraction() });

  const user: LegUser = {
    offer: (sdp) => machine.send({ type: "offer", sdp }),
    answer() {},
    ready: () => machine.send({ type: "ready" }),
    refused(status, reason) {
      turnedDown(status);
      log.warn({ user: account.user, talkgroup, status, reason }, "the conference server refused a session");
      failed("refused");
    },
    lost() {
      log.warn({ user: account.user, talkgroup }, "the terminal gave no sign of life: its session is set up again");
      failed("lost");
    },
  };

  /** A terminal that is not heard because of what it cannot do would be worse: the next offer is plain. */
  function turnedDown(status: number): void {
    if (srtp !== "offered" || !unfit.has(status)) return;
    isPlain = true;
    log.warn({ user: account.user, talkgroup, status }, "the terminal takes no SRTP: it is offered plain audio");
  }

  const machine = run(sessionMachine, initialSession, ports.clock, (deed) => {
    switch (deed.do) {
      case "provision":
        srtp = isPlain ? "accepted" : legs.srtpOver(flow);
        leg = legs.provision(
          holderIn(account, talkgroup),
          talkgroup === direct ? undefined : talkgroup,
          user,
          undefined,
          srtp,
        );
        return;
      case "invite":
        return invite(deed.sdp);
      case "join":
        return leg === undefined ? undefined : legs.accept(leg, deed.sdp);
      case "ask":
        return ask();
      case "clear":
        // Over already, it is left alone.
        dialog?.end();
        dialog = undefined;
        if (leg !== undefined) legs.release(leg);
        leg = undefined;
        return;
      case "up":
        return onStanding(true);
      case "down": {
        const gone = borrower;
        borrower = undefined;
        gone?.();
        return onStanding(false);
      }
    }
  });

  function invite(sdp: string): void {
    const inSession = leg === undefined ? {} : legs.inSession(leg);
    dialog = ports.sip().invite(
      {
        method: "INVITE",
        uri: contact,
        from: group,
        to: account.aor,
        via: flow,
        headers: autoAnswer,
        body: { type: "application/sdp", content: sdp },
      },
      {
        onAnswer(response) {
          machine.send({ type: "answer", sdp: new TextDecoder().decode(response.body) });
        },
        onRefused(status) {
          turnedDown(status);
          log.info({ user: account.user, talkgroup, status }, "the terminal did not take its session");
          failed("refused");
        },
        onEnd() {
          log.info({ user: account.user, talkgroup }, "the terminal hung up its session");
          failed("hung-up");
        },
        ...inSession,
      },
    );
  }

  function ask(): void {
    const asked = dialog;
    asked?.probe((known) => {
      if (dialog === asked) machine.send({ type: known ? "known" : "unknown" });
    });
  }

  function moveTo(next: Flow): void {
    flow = next;
    dialog?.move(next);
  }

  machine.send({ type: "start" });
  return {
    renew(next) {
      moveTo(next);
      machine.send({ type: "renewed" });
    },
    move(next) {
      moveTo(next);
      machine.send({ type: "reached" });
    },
    cut({ transport, connection }) {
      if (flow.transport === transport && flow.connection === connection) machine.send({ type: "cut" });
    },
    lend(call, caller, onGone) {
      if (leg === undefined || borrower || machine.state().in !== "standing") return undefined;
      const lent = leg;
      let used = false;
      borrower = onGone;
      return {
        use() {
          used = true;
          legs.move(lent, call, caller);
        },
        giveBack() {
          borrower = undefined;
          if (used) legs.move(lent);
        },
      };
    },
    is: (callId) => dialog?.callId === callId,
    end() {
      machine.send({ type: "end" });
      machine.close();
    },
  };
}
