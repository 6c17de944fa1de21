/** A whole gateway as a contender: its listeners and the speaker are legs of one talkgroup, set up by SIP. */
import { setTimeout as pause } from "node:timers/promises";
import { openSpeech } from "../../../hal/speech.ts";
import { type Contender, type Opening, still } from "./contender.ts";
import { freePort, numbered, startGateway } from "./gateway.ts";
import { frameMs, speak, speechFrames } from "./speech.ts";
import { openTerminals, type RigTerminal } from "./terminals.ts";

/** INVITEs that wait at a time. */
const atATime = 25;
const patienceMs = 5_000;
/** Until the floor is idle. */
const settleMs = 700;
/** Of those who talk all the time: shorter than they may. */
const burstSeconds = 20;

export interface RogerOpening extends Opening {
  /** Options of Node: to profile it. */
  readonly node?: readonly string[];
  /** Others, each of a talkgroup of its own, in which one speaks to another all the time. */
  readonly calls?: number;
}

export async function openRoger({
  folder,
  most,
  node = [],
  calls = 0,
  codec = "opus",
  speakers = 1,
}: RogerOpening): Promise<Contender> {
  const port = await freePort();
  const users = numbered(most + 2 * calls);
  const others = Array.from({ length: calls }, (_, index) => `other${index}`);
  const talkgroups = ["ops", ...others];
  const settings = speakers > 1 ? "mixing: true" : "";
  const gateway = await startGateway({ folder, port, users, store: false, node, talkgroups, settings });
  const terminals = await openTerminals(port, (await openSpeech()).network);
  const frames = await speechFrames();
  const legs: RigTerminal[] = [];
  const talkers = await Promise.all(users.slice(0, speakers).map((user) => terminals.join(user, "ops")));
  const heard = (): number => legs.reduce((sum, leg) => sum + leg.heard(), 0);
  const chatter = await Promise.all(
    others.map(async (talkgroup, index) => {
      const pair = users.slice(most + 2 * index, most + 2 * index + 2);
      const [one, other] = await Promise.all(pair.map((user) => terminals.join(user, talkgroup)));
      if (!one || !other) throw new Error("a call needs two");
      return { one, other, over: keepTalking(one, frames, (index * frameMs) / calls) };
    }),
  );

  return {
    process: gateway,
    async listeners(count) {
      while (legs.length < count) {
        const from = legs.length + speakers;
        const next = users.slice(from, Math.min(from + atATime, count + speakers));
        legs.push(...(await Promise.all(next.map((user) => terminals.join(user, "ops", codec)))));
      }
    },
    async talk(seconds) {
      const before = heard();
      // Where they are mixed, each has the floor.
      await Promise.all(talkers.map(granted));
      const sent = await speak(frames, seconds, (frame) => talkers.forEach((talker) => talker.speak(frame)));
      for (const talker of talkers) talker.release();
      await pause(settleMs);
      await still(heard);
      return { sent, heard: heard() - before };
    },
    async begin() {
      const caller = legs[Math.floor(Math.random() * legs.length)];
      if (!caller) throw new Error("nobody is there to ask for the floor");
      const ms = await granted(caller);
      await released(caller);
      return ms;
    },
    async close() {
      const inCalls = chatter.flatMap(({ one, other }) => [one, other]);
      for (const leg of [...talkers, ...legs, ...inCalls]) leg.hangUp();
      await Promise.all(chatter.map(({ over }) => over));
      await gateway.stop();
      await terminals.close();
    },
  };
}

/** One burst after the other, until the session ends. */
async function keepTalking(terminal: RigTerminal, frames: readonly Uint8Array[], afterMs: number): Promise<void> {
  await pause(afterMs);
  while (!terminal.ended()) {
    await granted(terminal);
    await speak(frames, burstSeconds, (frame) => terminal.speak(frame), terminal.ended);
    terminal.release();
    await pause(frameMs);
  }
}

/** Gives the floor back. Resolves when it is idle, or soon: who asks next is not to be refused. */
function released(terminal: RigTerminal): Promise<void> {
  return new Promise((resolve) => {
    const impatience = setTimeout(over, settleMs);
    function over(): void {
      clearTimeout(impatience);
      terminal.onFloor = () => {};
      resolve();
    }
    terminal.onFloor = ({ type }) => {
      if (type === "idle") over();
    };
    terminal.release();
  });
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
