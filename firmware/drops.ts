import type { Log } from "./log.ts";

/** Counts what is thrown away, by kind; each kind is logged when it first happens, never per packet. */
export interface Drops {
  count(kind: string, detail?: object): void;
  readonly counts: Readonly<Record<string, number>>;
}

/** `what` opens the log line: "SIP traffic". */
export function countDrops(log: Log, what: string): Drops {
  const counts: Record<string, number> = {};
  return {
    counts,
    count(kind, detail = {}) {
      const before = counts[kind] ?? 0;
      counts[kind] = before + 1;
      if (before === 0) log.warn({ kind, ...detail }, `${what} dropped; more of this kind is only counted`);
    },
  };
}
