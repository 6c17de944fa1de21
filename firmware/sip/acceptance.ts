/** The 2xx to an INVITE, sent again until its ACK arrives (RFC 3261 §13.3.1.4), whatever the transport. */
import { type Machine, run } from "../machine.ts";
import type { Core } from "./core.ts";
import { parseCSeq } from "./header.ts";
import { header, type SipRequest } from "./message.ts";
import { patience, t1, t2 } from "./transaction.ts";
import type { ServerTransaction } from "./transactions.ts";

export type AcceptanceState =
  | { readonly in: "initial" }
  /** `interval`: the repeat timer as it was last set, ms. */
  | { readonly in: "waiting"; readonly interval: number }
  | { readonly in: "done" };
export type AcceptanceEvent = { readonly type: "sent" } | { readonly type: "ack" };
export type AcceptanceEffect =
  | { readonly do: "repeat" }
  | { readonly do: "confirmed" }
  | { readonly do: "unconfirmed" };
export type AcceptanceTimer = "repeat" | "giveUp";

export const acceptance: Machine<AcceptanceState, AcceptanceEvent, AcceptanceEffect, AcceptanceTimer> = (
  state,
  event,
) => {
  switch (state.in) {
    case "initial":
      if (event.type !== "sent") return [state, []];
      return [
        { in: "waiting", interval: t1 },
        [
          { start: "repeat", ms: t1 },
          { start: "giveUp", ms: patience },
        ],
      ];
    case "waiting": {
      const stop = [{ stop: "repeat" }, { stop: "giveUp" }] as const;
      if (event.type === "ack") return [{ in: "done" }, [...stop, { do: "confirmed" }]];
      if (event.type === "sent") return [state, []];
      if (event.timer === "giveUp") return [{ in: "done" }, [...stop, { do: "unconfirmed" }]];
      const interval = Math.min(state.interval * 2, t2);
      return [{ in: "waiting", interval }, [{ do: "repeat" }, { start: "repeat", ms: interval }]];
    }
    case "done":
      return [state, []];
  }
};

export interface Acceptance {
  /** Whether the ACK is still awaited. */
  pending(): boolean;
  /** An ACK of the dialog; one for another INVITE is ignored. */
  onAck(ack: SipRequest): void;
  close(): void;
}

/** Minds the 2xx that `transaction` was just answered with. */
export function awaitAck(
  core: Core,
  transaction: ServerTransaction,
  outcome: { readonly confirmed: () => void; readonly unconfirmed: () => void },
): Acceptance {
  const { number } = parseCSeq(header(transaction.request, "cseq") ?? "");
  const machine = run(acceptance, { in: "initial" }, core.clock, (effect) => {
    switch (effect.do) {
      case "repeat":
        return transaction.repeat();
      case "confirmed":
        return outcome.confirmed();
      case "unconfirmed":
        return outcome.unconfirmed();
    }
  });
  machine.send({ type: "sent" });
  return {
    pending: () => machine.state().in === "waiting",
    onAck(ack) {
      if (parseCSeq(header(ack, "cseq") ?? "").number === number) machine.send({ type: "ack" });
    },
    close: machine.close,
  };
}
