/**
 * How often passwords were guessed at, and what it costs whoever guesses. A person mistypes a few times; after that each wrong
 * password closes a door for longer, and a door is never wider than it must be:
 *
 * - one account to one address, for a minute at most: whoever guesses locks out nobody who is elsewhere;
 * - every account to one network (an IPv4 address, an IPv6 /64), but not an account that has proved itself from the same
 *   address: behind a NAT many phones share one;
 * - an account that is guessed at from everywhere is closed to nobody: its wrong answers are only held back.
 *
 * All of it is bounded and forgotten with time. It knows nothing of who is right.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { copied } from "../sip/copied.ts";

export interface Guessing {
  /** For how long no password of `user` is looked at that comes from `host`, ms; 0: it is. */
  closedFor(user: string, host: string): number;
  wrong(user: string, host: string): WrongGuess;
  right(user: string, host: string): void;
}

export interface WrongGuess {
  /** For how long the answer is to be held back, ms. */
  readonly heldBackMs: number;
  /** The first wrong password from this network, or the first that closes a door to it: to be told once each. */
  readonly news: "first" | "closed" | undefined;
}

export interface GuessingLimits {
  /** Wrong passwords without a cost. */
  readonly free: number;
  /** The cost of the next one, doubled by each that follows, and the highest; ms. */
  readonly firstMs: number;
  readonly longestMs: number;
}

export const perAddress: GuessingLimits = { free: 10, firstMs: 2_000, longestMs: 60_000 };
export const perNetwork: GuessingLimits = { free: 30, firstMs: 4_000, longestMs: 300_000 };
export const perAccount: GuessingLimits = { free: 30, firstMs: 100, longestMs: 2_000 };

/** After so long without a wrong password all is forgotten; longer than any door is closed, ms. */
const memoryMs = 900_000;
/** What is remembered of each kind; the one that was touched first is forgotten first. */
const most = 4_096;
/** No user of an account has a longer name; what is longer is nobody's, and need not be told apart. */
const longestName = 64;

export function guessing(clock: Pick<Clock, "now">): Guessing {
  const addresses = tallies(clock, perAddress);
  const networks = tallies(clock, perNetwork);
  const accounts = tallies(clock, perAccount);
  /** Accounts that have proved themselves from an address. */
  const proved = new Set<string>();

  const nameOf = (user: string): string => user.slice(0, longestName);
  const placeOf = (user: string, host: string): string => `${host} ${nameOf(user)}`;

  return {
    closedFor(user, host) {
      const place = placeOf(user, host);
      return Math.max(addresses.closedFor(place), proved.has(place) ? 0 : networks.closedFor(networkOf(host)));
    },
    wrong(user, host) {
      const address = addresses.add(placeOf(user, host), true);
      // One phone with an old password tries for ever: beyond what it costs itself it costs its neighbours nothing.
      const network = networks.add(networkOf(host), address.failures <= perAddress.free);
      const account = accounts.add(nameOf(user), true);
      const closes = address.costMs > 0 || network.costMs > 0;
      const news = network.told === undefined ? "first" : closes && network.told === "first" ? "closed" : undefined;
      network.told = news ?? network.told;
      return { heldBackMs: account.costMs, news };
    },
    right(user, host) {
      const place = placeOf(user, host);
      addresses.forget(place);
      proved.delete(place);
      proved.add(copied(place));
      trim(proved);
    },
  };
}

interface Tally {
  failures: number;
  costMs: number;
  touchedAt: number;
  closedUntil: number;
  told: WrongGuess["news"];
}

function tallies(clock: Pick<Clock, "now">, { free, firstMs, longestMs }: GuessingLimits) {
  const held = new Map<string, Tally>();

  function find(key: string): Tally | undefined {
    const tally = held.get(key);
    return tally && clock.now() - tally.touchedAt <= memoryMs ? tally : undefined;
  }

  return {
    closedFor: (key: string): number => Math.max(0, (find(key)?.closedUntil ?? 0) - clock.now()),
    /** `counts`: it is one more; otherwise it only keeps what is remembered. */
    add(key: string, counts: boolean): Tally {
      const now = clock.now();
      const tally = find(key) ?? { failures: 0, costMs: 0, touchedAt: now, closedUntil: 0, told: undefined };
      tally.touchedAt = now;
      if (counts) {
        tally.failures += 1;
        tally.costMs = tally.failures <= free ? 0 : Math.min(longestMs, firstMs * 2 ** (tally.failures - free - 1));
        tally.closedUntil = now + tally.costMs;
      }
      held.delete(key);
      held.set(copied(key), tally);
      trim(held);
      return tally;
    },
    forget: (key: string): void => void held.delete(key),
  };
}

function trim(held: Map<string, unknown> | Set<string>): void {
  const [oldest] = held.size > most ? held.keys() : [];
  if (oldest !== undefined) held.delete(oldest);
}

/** What one party is usually given as a whole: an IPv4 address, or the first half of an IPv6 one. */
export function networkOf(host: string): string {
  if (!host.includes(":") || host.includes(".")) return host;
  const [head = "", tail] = host.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => "0"), ...after];
  return `${groups.slice(0, 4).join(":")}::/64`;
}
