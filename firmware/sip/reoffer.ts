/**
 * One offer that the far end makes inside a session (RFC 3261 §14.2, RFC 3311 §5.2), until this side has answered or refused it:
 * once, and in time.
 */
import { type Machine, run } from "../machine.ts";
import type { Body } from "./contract.ts";
import type { Core } from "./core.ts";
import type { ServerTransaction } from "./transactions.ts";

export type ReofferState = { readonly in: "open" } | { readonly in: "settled" };
export type ReofferEvent =
  | { readonly type: "start" }
  | { readonly type: "reply"; readonly answer: Body | number }
  /** CANCEL, or the session is over. */
  | { readonly type: "withdrawn" };
export type ReofferEffect =
  | { readonly do: "answer"; readonly answer: Body }
  | { readonly do: "refuse"; readonly status: number };
export type ReofferTimer = "patience";

/** The far end of an UPDATE gives up after 32 s, and people before that; ms. */
const patienceMs = 10_000;
const open = { in: "open" } as const;
const settled = { in: "settled" } as const;
const stop = { stop: "patience" } as const;

export const reoffer: Machine<ReofferState, ReofferEvent, ReofferEffect, ReofferTimer> = (state, event) => {
  if (state.in === "settled") return [state, []];
  switch (event.type) {
    case "start":
      return [state, [{ start: "patience", ms: patienceMs }]];
    case "reply": {
      const { answer } = event;
      if (typeof answer === "number") return [settled, [stop, { do: "refuse", status: answer }]];
      return [settled, [stop, { do: "answer", answer }]];
    }
    case "withdrawn":
      // RFC 3261 §9.2, §15.1.2
      return [settled, [stop, { do: "refuse", status: 487 }]];
    case "expiry":
      // RFC 3311 §5.2
      return [settled, [{ do: "refuse", status: 504 }]];
  }
};

export interface Reoffer {
  pending(): boolean;
  reply(answer: Body | number): void;
  withdraw(): void;
}

/** Minds the offer of `transaction`; `agree` sends the answer. */
export function awaitReply(core: Core, transaction: ServerTransaction, agree: (answer: Body) => void): Reoffer {
  const machine = run(reoffer, open, core.clock, (effect) => {
    switch (effect.do) {
      case "answer":
        return agree(effect.answer);
      case "refuse":
        return transaction.respond(effect.status);
    }
  });
  const withdraw = () => machine.send({ type: "withdrawn" });
  transaction.onCancel = withdraw;
  machine.send({ type: "start" });
  return {
    pending: () => machine.state().in === "open",
    reply: (answer) => machine.send({ type: "reply", answer }),
    withdraw,
  };
}
