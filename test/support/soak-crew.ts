/**
 * A crew that is never at rest: its terminals join and leave talkgroups, fight for the floor in twos and threes, talk, let go,
 * or vanish while they talk. What it does is chosen by dice; what became of it is counted.
 */
import type { FloorMessage } from "../../firmware/floor/message.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { RigTerminal, Terminals } from "../../scripts/benchmarks/rig/terminals.ts";

export interface SoakCrew {
  /** Legs that stand now. */
  size(): number;
  readonly counts: {
    joined: number;
    left: number;
    granted: number;
    /** Taken back, or refused. */
    revoked: number;
    denied: number;
    /** Dead in the middle of a burst. */
    died: number;
    /** The gateway gave them up. */
    lost: number;
  };
  /** So many stand before anything else happens. */
  fill(): Promise<void>;
  /** At it, until `rest`. */
  work(): void;
  /** Nobody dies from now on: the gateway is to find all of them before it is looked at. */
  live(): void;
  /** Ends what is going on; who talks lets go. */
  rest(): Promise<void>;
  /** Somebody of each talkgroup who is granted the floor within the time, and lets go. Rejects where nobody is. */
  proveIdle(withinMs: number): Promise<void>;
  leave(): void;
}

interface Leg {
  readonly terminal: RigTerminal;
  readonly talkgroup: string;
  /** What it says, a frame after the other. */
  readonly speech: readonly Uint8Array[];
  isBusy: boolean;
}

const frameMs = 20;
/** Who hears nothing asks again, for what they said may have been lost. */
const askAgainMs = 500;
const patienceMs = 3_000;
/** Of one who joins or leaves, and of a fight in each talkgroup, on average. */
const churnMs = 250;
const fightMs = 1_500;
const longestBurstMs = 4_000;
const atATime = 20;
/** Their share. */
const telephones = 0.2;
const telephoneSpeech = [new Uint8Array(160).fill(0x55)];

export function soakCrew(
  ports: { readonly clock: Clock; readonly random: Random; readonly terminals: Terminals },
  options: {
    readonly users: readonly string[];
    readonly talkgroups: readonly string[];
    readonly size: number;
    readonly speech: readonly Uint8Array[];
  },
): SoakCrew {
  const { clock, random, terminals } = ports;
  const { talkgroups, size } = options;
  const legs = new Set<Leg>();
  const free = [...options.users];
  const counts = { joined: 0, left: 0, granted: 0, revoked: 0, denied: 0, died: 0, lost: 0 };
  const going = new Set<Promise<void>>();
  let atWork = false;
  let mayDie = true;

  const pause = (ms: number): Promise<void> => new Promise((done) => clock.after(ms, done));
  const below = (count: number): number => Math.floor(random.fraction() * count);
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[below(items.length)];

  function keep(doing: Promise<void>): void {
    going.add(doing);
    void doing.finally(() => going.delete(doing));
  }

  async function join(talkgroup: string): Promise<void> {
    const [user] = free.splice(below(free.length), 1);
    if (user === undefined) return;
    // What they say is made for those of the other kind, burst for burst.
    const codec = random.fraction() < telephones ? "PCMU" : "opus";
    const terminal = await terminals.join(user, talkgroup, codec);
    legs.add({ terminal, talkgroup, speech: codec === "opus" ? options.speech : telephoneSpeech, isBusy: false });
    counts.joined += 1;
  }

  function leave(leg: Leg): void {
    if (!legs.delete(leg)) return;
    if (leg.terminal.ended()) counts.lost += 1;
    leg.terminal.hangUp();
    free.push(leg.terminal.user);
    counts.left += 1;
  }

  /** It comes back at once, and the gateway has not missed it yet. */
  function die(leg: Leg): void {
    legs.delete(leg);
    leg.terminal.die();
    free.push(leg.terminal.user);
    counts.died += 1;
  }

  async function churn(): Promise<void> {
    while (atWork) {
      await pause(random.fraction() * 2 * churnMs);
      const leg = pick([...legs]);
      // More come than go, for some die.
      if (legs.size >= size || random.fraction() < 0.3) {
        if (leg && !leg.isBusy) leave(leg);
      } else await join(pick(talkgroups) ?? "");
    }
  }

  async function fight(talkgroup: string): Promise<void> {
    while (atWork) {
      await pause(random.fraction() * 2 * fightMs);
      const ready = [...legs].filter((leg) => leg.talkgroup === talkgroup && !leg.isBusy);
      const first = below(Math.max(1, ready.length - 3));
      await Promise.all(ready.slice(first, first + 1 + below(3)).map(contend));
    }
  }

  async function contend(leg: Leg): Promise<void> {
    const { terminal } = leg;
    leg.isBusy = true;
    const answer = await askFor(terminal);
    if (answer === "granted") {
      counts.granted += 1;
      await talk(leg, random.fraction() * longestBurstMs);
      const fate = random.fraction();
      if (fate < 0.1 && mayDie) die(leg);
      else if (fate > 0.9) leave(leg);
    } else if (answer === "deny") counts.denied += 1;
    if (legs.has(leg)) terminal.release();
    terminal.onFloor = () => {};
    leg.isBusy = false;
  }

  /** What the gateway said; undefined where it said nothing in time. */
  function askFor(terminal: RigTerminal, withinMs = patienceMs): Promise<"granted" | "deny" | undefined> {
    return new Promise((resolve) => {
      const again = clock.every(askAgainMs, terminal.request);
      const cancel = clock.after(withinMs, () => over(undefined));
      function over(answer: "granted" | "deny" | undefined): void {
        again();
        cancel();
        terminal.onFloor = () => {};
        resolve(answer);
      }
      terminal.onFloor = ({ type }: FloorMessage) => {
        if (type === "granted" || type === "deny") over(type);
      };
      terminal.request();
    });
  }

  /** Until its time is over, or it is told to stop. */
  function talk({ terminal, speech }: Leg, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const until = clock.now() + ms;
      let said = 0;
      const stop = clock.every(frameMs, () => {
        terminal.speak(speech[said++ % speech.length] ?? new Uint8Array(1));
        if (clock.now() >= until || terminal.ended()) over();
      });
      function over(): void {
        stop();
        resolve();
      }
      terminal.onFloor = ({ type }: FloorMessage) => {
        if (type !== "revoke") return;
        counts.revoked += 1;
        over();
      };
    });
  }

  return {
    size: () => legs.size,
    counts,
    async fill() {
      while (legs.size < size) {
        const missing = Math.min(atATime, size - legs.size);
        await Promise.all(
          Array.from({ length: missing }, (_, index) => join(talkgroups[index % talkgroups.length] ?? "")),
        );
      }
    },
    work() {
      atWork = true;
      keep(churn());
      for (const talkgroup of talkgroups) keep(fight(talkgroup));
    },
    live() {
      mayDie = false;
    },
    async rest() {
      atWork = false;
      await Promise.all(going);
    },
    async proveIdle(withinMs) {
      await Promise.all(
        talkgroups.map(async (talkgroup) => {
          const leg = [...legs].find((each) => each.talkgroup === talkgroup);
          if (!leg) throw new Error(`nobody is in ${talkgroup}`);
          const until = clock.now() + withinMs;
          while ((await askFor(leg.terminal)) !== "granted")
            if (clock.now() > until) throw new Error(`${talkgroup}: nobody gets the floor`);
          leg.terminal.release();
        }),
      );
    },
    leave: () => [...legs].forEach(leave),
  };
}
