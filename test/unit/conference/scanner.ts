/** A leg that scans, and others who talk around it. */
import type { ScanOptions } from "../../../firmware/conference/protocol.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { type MemberOptions, numbersOf, openSite, payloads, say } from "./site.ts";

export const opus = await loadOpus();
export const rights = { mayTalk: true, mayPreempt: true, priority: 0 };
export const list = (change: Partial<ScanOptions> = {}): ScanOptions => ({
  groups: ["fire", "sea"].map((talkgroup) => ({ talkgroup, ...rights })),
  priority: "ops",
  hangMs: 3_000,
  answerBack: false,
  ...change,
});

/** Sam is in ops and scans fire and sea; there is one more of each. */
export async function threeGroups(change: Partial<ScanOptions> = {}, more: MemberOptions = {}) {
  const site = openSite({ opus });
  for (const name of ["fire", "sea"]) site.talkgroup({ name });
  const ops = await site.member("ops1");
  const fire = await site.member("fire1", { talkgroup: "fire" });
  const sea = await site.member("sea1", { talkgroup: "sea" });
  const sam = await site.member("sam", { scan: list(change), ...more });
  for (const each of [ops, fire, sea, sam]) each.news();
  site.news();
  return { site, clock: site.clock, ops, fire, sea, sam };
}

export type Story = Awaited<ReturnType<typeof threeGroups>>;

export async function talk({ clock }: Story, talker: Terminal, ...numbers: readonly number[]): Promise<void> {
  talker.press();
  await clock.advance(1);
  await say(
    clock,
    talker,
    numbers.flatMap((number) => payloads(1, number)),
  );
}

export async function stop({ clock }: Story, talker: Terminal): Promise<void> {
  talker.release();
  await clock.advance(1);
}

/** What was heard since it was last asked. */
export function heard(terminal: Terminal): number[] {
  const numbers = numbersOf(terminal);
  terminal.heard.length = 0;
  return numbers;
}

/** Whom a terminal was told of since it was last asked: a name, or "" for nobody; granted, denied and revoked as they are. */
export function shown(terminal: Terminal): string[] {
  const all = terminal.told.splice(0).map((message) => {
    if (message.type === "taken") return message.party.replace("sip:", "").replace("@example.org", "");
    return message.type === "idle" ? "" : message.type;
  });
  return all.filter((name, index) => name !== all[index - 1]);
}
