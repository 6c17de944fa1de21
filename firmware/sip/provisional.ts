/**
 * Provisional answers that must arrive (RFC 3262 §3), the callee's side: one at a time, sent again until its PRACK comes.
 * None carries a session description, so that no final answer need wait for one.
 */
import { type Machine, run } from "../machine.ts";
import type { Extras } from "./contract.ts";
import { type Core, respond } from "./core.ts";
import { splitList } from "./header.ts";
import { header, headers, ProtocolError, type SipRequest } from "./message.ts";
import { patience, t1 } from "./transaction.ts";
import type { ServerTransaction } from "./transactions.ts";

export interface ProvisionalAnswer extends Extras {
  readonly status: number;
  readonly reason?: string;
}

export type ProvisionalState =
  | { readonly in: "idle"; readonly rseq: number }
  /** `rseq`: of the one that is on its way; `interval`: the repeat timer as it was last set, ms; `next`: what came after it, the latest alone. */
  | {
      readonly in: "waiting";
      readonly rseq: number;
      readonly answer: ProvisionalAnswer;
      readonly interval: number;
      readonly next?: ProvisionalAnswer | undefined;
    }
  | { readonly in: "done" };
export type ProvisionalEvent =
  | { readonly type: "answer"; readonly answer: ProvisionalAnswer }
  | { readonly type: "acknowledged" }
  /** The final answer was sent. */
  | { readonly type: "over" };
export type ProvisionalEffect =
  | { readonly do: "send"; readonly rseq: number; readonly answer: ProvisionalAnswer }
  | { readonly do: "give-up" };
export type ProvisionalTimer = "repeat" | "giveUp";

type Provisional = Machine<ProvisionalState, ProvisionalEvent, ProvisionalEffect, ProvisionalTimer>;
type Step = ReturnType<Provisional>;

const stop = [{ stop: "repeat" }, { stop: "giveUp" }] as const;

export const provisional: Provisional = (state, event) => {
  switch (state.in) {
    case "idle":
      if (event.type === "answer") return send(state.rseq + 1, event.answer);
      return [event.type === "over" ? { in: "done" } : state, []];
    case "waiting":
      switch (event.type) {
        case "answer":
          return [{ ...state, next: event.answer }, []];
        case "acknowledged":
          if (state.next !== undefined) return send(state.rseq + 1, state.next);
          return [{ in: "idle", rseq: state.rseq }, stop];
        case "over":
          return [{ in: "done" }, stop];
        case "expiry": {
          if (event.timer === "giveUp") return [{ in: "done" }, [...stop, { do: "give-up" }]];
          // §3: doubled each time, without the bound of T2.
          const interval = state.interval * 2;
          return [
            { ...state, interval },
            [
              { do: "send", rseq: state.rseq, answer: state.answer },
              { start: "repeat", ms: interval },
            ],
          ];
        }
      }
      break;
    case "done":
      return [state, []];
  }
};

function send(rseq: number, answer: ProvisionalAnswer): Step {
  return [
    { in: "waiting", rseq, answer, interval: t1 },
    [
      { do: "send", rseq, answer },
      { start: "repeat", ms: t1 },
      { start: "giveUp", ms: patience },
    ],
  ];
}

export interface Provisionals {
  send(answer: ProvisionalAnswer): void;
  /** A PRACK of the dialog. Throws ProtocolError: 400 without a readable RAck, 481 for one of no answer that was sent, 488 for an offer. */
  onPrack(prack: ServerTransaction): void;
  /** The final answer was sent. */
  close(): void;
}

/** Minds the provisional answers to an INVITE that requires them to arrive; `giveUp` is called when one is never acknowledged. */
export function reliably(core: Core, transaction: ServerTransaction, giveUp: () => void): Provisionals {
  const { request } = transaction;
  /** §3: the first is anywhere below 2^31. */
  const before = Math.floor(core.random.fraction() * 0x7fff_0000);
  let sent = before;
  const machine = run(provisional, { in: "idle", rseq: before } as ProvisionalState, core.clock, (effect) => {
    switch (effect.do) {
      case "send": {
        const { status, headers: own = [], ...parts } = effect.answer;
        sent = effect.rseq;
        const reliable = [["require", "100rel"] as const, ["rseq", `${effect.rseq}`] as const, ...own];
        return respond(core, transaction, status, { contact: true, ...parts, headers: reliable });
      }
      case "give-up":
        return giveUp();
    }
  });

  return {
    send: (answer) => machine.send({ type: "answer", answer }),
    onPrack(prack) {
      const rseq = acknowledgedBy(prack.request, request);
      // One that is acknowledged already may be so again, by a caller that was not told.
      if (rseq <= before || rseq > sent) throw new ProtocolError(481, `PRACK of ${rseq}`);
      if (rseq === sent) machine.send({ type: "acknowledged" });
      if (prack.request.body.length > 0) throw new ProtocolError(488, "PRACK with an offer before the answer");
      prack.respond(200);
    },
    close: () => machine.send({ type: "over" }),
  };
}

/** The RSeq that a PRACK acknowledges. Throws ProtocolError: 400, and 481 for the answer to another request. */
export function acknowledgedBy(prack: SipRequest, invite: SipRequest): number {
  const match = /^(\d{1,10})[ \t]+(\d{1,10}[ \t]+[A-Za-z]+)$/.exec(header(prack, "rack")?.trim() ?? "");
  if (match === null) throw new ProtocolError(400, "PRACK without a readable RAck");
  const [, rseq, cseq = ""] = match;
  const words = (text: string) => text.split(/[ \t]+/).join(" ");
  if (words(cseq) !== words(header(invite, "cseq") ?? "")) throw new ProtocolError(481, `PRACK of ${cseq}`);
  return Number(rseq);
}

/** Whether the sender of an INVITE or of its answer wants it so (§3, §4). */
export function wantsReliable(message: Parameters<typeof headers>[0]): boolean {
  return headers(message, "require").flatMap(splitList).includes("100rel");
}
