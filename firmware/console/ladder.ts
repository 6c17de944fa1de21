/** SIP messages as a ladder for a terminal: the peer on the left, the gateway on the right, a line a message. Pure. */
import type { TraceEntry } from "./trace-entry.ts";

const peerWidth = 28;
const summaryWidth = 46;

export function rung(entry: TraceEntry): string {
  const arrow = entry.direction === "in" ? "──▶" : "◀──";
  const who = entry.users.join(" ");
  return [
    clock(entry.at),
    fit(entry.peer, peerWidth),
    arrow,
    fit(entry.summary, summaryWidth),
    fit(who, 24),
    printable(entry.call).slice(0, 12),
  ]
    .join("  ")
    .trimEnd();
}

/** The whole message below its rung, indented. */
export function fullRung(entry: TraceEntry): string {
  const body = printable(entry.text).trimEnd().replaceAll(/^/gm, "    ");
  return `${rung(entry)}\n${body}\n`;
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

function fit(text: string, width: number): string {
  const clean = printable(text);
  return clean.length > width ? `${clean.slice(0, width - 1)}…` : clean.padEnd(width);
}

/** A peer may send what a terminal would obey. */
function printable(text: string): string {
  return text.replaceAll("\r", "").replace(/[^\P{C}\n]/gu, "·");
}
