/** A whole gateway as a contender: its listeners and the speaker are legs of one talkgroup, set up by SIP. */
import { setTimeout as pause } from "node:timers/promises";
import type { Contender, Opening } from "./contender.ts";
import { freePort, numbered, startGateway } from "./gateway.ts";
import { speak, speechFrames } from "./speech.ts";
import { openTerminals, type RigTerminal } from "./terminals.ts";

/** INVITEs that wait at a time. */
const atATime = 25;
const patienceMs = 5_000;
/** Until the last packet has come, and the floor is idle. */
const settleMs = 700;

export async function openRoger({
  folder,
  most,
  node = [],
}: Opening & { readonly node?: readonly string[] }): Promise<Contender> {
  const port = await freePort();
  const users = numbered(most);
  const gateway = await startGateway({ folder, port, users, store: false, node });
  const terminals = await openTerminals(port);
  const frames = await speechFrames();
  const legs: RigTerminal[] = [];
  const speaker = await terminals.join(users[0] ?? "", "ops");
  const heard = (): number => legs.reduce((sum, leg) => sum + leg.heard(), 0);

  return {
    process: gateway,
    async listeners(count) {
      while (legs.length < count) {
        const from = legs.length + 1;
        const next = users.slice(from, Math.min(from + atATime, count + 1));
        legs.push(...(await Promise.all(next.map((user) => terminals.join(user, "ops")))));
      }
    },
    async talk(seconds) {
      const before = heard();
      await granted(speaker);
      const sent = await speak(frames, seconds, (frame) => speaker.speak(frame));
      speaker.release();
      await pause(settleMs);
      return { sent, heard: heard() - before };
    },
    async begin() {
      const caller = legs[Math.floor(Math.random() * legs.length)] ?? speaker;
      const ms = await granted(caller);
      caller.release();
      return ms;
    },
    async close() {
      for (const leg of [speaker, ...legs]) leg.hangUp();
      await gateway.stop();
      await terminals.close();
    },
  };
}

/** Asks for the floor. Resolves with the ms until it is granted. */
export function granted(terminal: RigTerminal): Promise<number> {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => over(() => reject(new Error(`${terminal.user}: no floor`))), patienceMs);
    function over(end: () => void): void {
      clearTimeout(impatience);
      terminal.onFloor = () => {};
      end();
    }
    terminal.onFloor = ({ type }) => {
      const ms = performance.now() - from;
      if (type === "granted") over(() => resolve(ms));
      if (type === "deny") over(() => reject(new Error(`${terminal.user}: the floor was denied`)));
    };
    const from = performance.now();
    terminal.request();
  });
}
