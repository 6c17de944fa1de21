/**
 * Whether the realm is reachable. Pure. Down means alone at once. Up means reachable only when this gateway's own status
 * came back: what the broker retained was sent before it, so the view is whole and no floor is claimed by mistake.
 */
import type { Machine } from "../machine.ts";
import { beatMs } from "./peer.ts";

export type LinkState =
  | { readonly in: "island" }
  /** The link is up and what is retained comes in. */
  | { readonly in: "settling"; readonly echo: "awaited" | "overdue" | "seen" }
  | { readonly in: "online" };

export type LinkEvent =
  | { readonly type: "link"; readonly up: boolean }
  /** The status that was published last came back. */
  | { readonly type: "echo" }
  /** This gateway's status topic says something else: the will of a session before this one, come late. */
  | { readonly type: "contradicted" };

export type LinkEffect =
  | { readonly do: "open-session" }
  | { readonly do: "lose-session" }
  /** Status and presence of all users here. */
  | { readonly do: "announce" }
  | { readonly do: "beat" }
  | { readonly do: "no-echo" }
  | { readonly do: "tell"; readonly state: "online" | "island" }
  /** What was not heard of again since the link was lost is no more. */
  | { readonly do: "purge" };

export type LinkTimer = "echo" | "settle" | "grace" | "beat" | "again";

export const linkTimes = {
  /** The own status comes back within this, or is sent again, ms. */
  echoMs: 2_000,
  /** A broker may read what it retained beside its other work: so much more time after the echo, ms. */
  settleMs: 300,
  /** So long the users of other gateways stay shown after the link was lost, and then after it came back, ms. */
  graceMs: 5_000,
  /** Between a contradiction and the answer, ms. */
  againMs: 1_000,
  beatMs,
} as const;

export const linkMachine: Machine<LinkState, LinkEvent, LinkEffect, LinkTimer> = (state, event) => {
  const { echoMs, settleMs, graceMs, againMs } = linkTimes;
  const announce = [{ do: "announce" }, { start: "beat", ms: linkTimes.beatMs }] as const;
  const stay = [state, []] as const;

  switch (event.type) {
    case "link": {
      const grace = { start: "grace", ms: graceMs } as const;
      if (event.up === (state.in !== "island")) return stay;
      if (event.up) {
        const settling = { in: "settling", echo: "awaited" } as const;
        return [settling, [{ do: "open-session" }, ...announce, { start: "echo", ms: echoMs }, grace]];
      }
      const stops = [{ stop: "echo" }, { stop: "settle" }, { stop: "beat" }, { stop: "again" }] as const;
      const told = state.in === "online" ? [{ do: "tell", state: "island" } as const] : [];
      return [{ in: "island" }, [...stops, ...told, { do: "lose-session" }, grace]];
    }
    case "echo":
      if (state.in !== "settling" || state.echo === "seen") return stay;
      return [{ in: "settling", echo: "seen" }, [{ stop: "echo" }, { start: "settle", ms: settleMs }]];
    case "contradicted":
      // Before the echo it is what was retained before this session.
      if (state.in === "island" || (state.in === "settling" && state.echo !== "seen")) return stay;
      return [state, [{ start: "again", ms: againMs }]];
    case "expiry":
      switch (event.timer) {
        case "echo": {
          const complaint = state.in === "settling" && state.echo === "awaited" ? [{ do: "no-echo" } as const] : [];
          return [{ in: "settling", echo: "overdue" }, [...complaint, ...announce, { start: "echo", ms: echoMs }]];
        }
        case "settle":
          return [{ in: "online" }, [{ do: "tell", state: "online" }]];
        case "grace":
          return [state, [{ do: "purge" }]];
        case "beat":
          return [state, [{ do: "beat" }, { start: "beat", ms: linkTimes.beatMs }]];
        case "again":
          return [state, announce];
      }
  }
};
