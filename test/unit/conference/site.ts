import { type Conference, openConference } from "../../../firmware/conference/conference.ts";
import type {
  ConferenceEvent,
  FloorRole,
  LegOptions,
  Move,
  TalkgroupSettings,
} from "../../../firmware/conference/protocol.ts";
import type { SrtpUse } from "../../../firmware/sip/negotiation.ts";
import { type VirtualClock, virtualClock } from "../../../hal/clock/virtual.ts";
import { type SimulatedNetwork, simulatedNetwork } from "../../../hal/network/simulated.ts";
import type { Opus } from "../../../hal/opus/port.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { openTerminal, type Say, type Terminal, type TerminalOptions } from "../../support/terminal.ts";

export const settings: TalkgroupSettings = {
  name: "ops",
  endOfMediaMs: 4000,
  talkMs: 30_000,
  graceMs: 3000,
  hangMs: 10_000,
};

export interface SiteOptions {
  readonly opus: Opus;
  readonly gateway?: string;
  readonly host?: string;
  readonly settings?: Partial<TalkgroupSettings>;
  /** Pairs of ports for legs. */
  readonly pairs?: number;
  readonly clock?: VirtualClock;
  readonly network?: SimulatedNetwork;
}

export type MemberOptions = Partial<TerminalOptions> & {
  readonly [Option in
    | "mayTalk"
    | "priority"
    | "mayPreempt"
    | "mayRaise"
    | "mayCalm"
    | "telephone"
    | "scan"]?: NonNullable<LegOptions[Option]>;
} & {
  /** Of the leg; `srtp` is the terminal's. */
  readonly legSrtp?: SrtpUse;
} & {
  /** "" parks it. */
  readonly talkgroup?: string;
};

/** A conference server of one talkgroup, "ops", and the terminals around it. */
export function openSite(options: SiteOptions) {
  const { opus, gateway = "north", host = "10.0.0.1", pairs = 100 } = options;
  const clock = options.clock ?? virtualClock();
  const network = options.network ?? simulatedNetwork({ clock });
  const events: ConferenceEvent[] = [];
  const terminals: Terminal[] = [];
  const range = { host, first: 20_000, last: 20_000 + 2 * pairs - 1 };
  const machine = network.host(host);
  const conference: Conference = openConference(
    { clock, network: machine, random: seededRandom(gateway.length), opus, srtp: nodeSrtp() },
    { gateway, range },
    (event) => {
      events.push(event);
      site.onEvent(event);
    },
  );
  conference.receive({ type: "talkgroup", settings: { ...settings, ...options.settings } });

  function legOptions(leg: string, { talkgroup = "ops", ...change }: Partial<LegOptions> = {}): LegOptions {
    const rights = { mayTalk: true, priority: 0, mayPreempt: true };
    return { leg, ...(talkgroup !== "" && { talkgroup }), user: `sip:${leg}@example.org`, ...rights, ...change };
  }

  const site = {
    gateway,
    clock,
    network,
    conference,
    events,
    legOptions,
    onEvent(_event: ConferenceEvent): void {},
    /** The types of the events since it was last asked, those on the trunk left out. */
    news: () =>
      events
        .splice(0)
        .filter(({ type }) => !type.startsWith("trunk"))
        .map(({ type }) => type),
    role: (role: FloorRole) => conference.receive({ type: "role", talkgroup: "ops", role }),
    terminal: async (change: Partial<TerminalOptions> = {}) => {
      const local = { host, port: 40_000 + 2 * terminals.length };
      const place = change.local ?? local;
      const terminal = await openTerminal({ clock, network: network.host(place.host) }, { ...change, local: place });
      terminals.push(terminal);
      return terminal;
    },
    /** The offer for a leg of this name, when its sockets are open. */
    async offer(leg: string, change: Partial<LegOptions> = {}): Promise<string> {
      conference.receive({ type: "provision", options: legOptions(leg, change) });
      await clock.advance(0);
      const event = events.findLast((candidate) => "leg" in candidate && candidate.leg === leg);
      if (event?.type !== "offer") throw new Error(`no offer for ${leg}: ${JSON.stringify(event)}`);
      return event.sdp;
    },
    talkgroup: (change: Partial<TalkgroupSettings>) =>
      conference.receive({ type: "talkgroup", settings: { ...settings, ...change } }),
    move: (leg: string, talkgroup?: string, more: Pick<Move, "caller" | "rights"> = {}) =>
      conference.receive({ type: "move", leg, ...(talkgroup !== undefined && { talkgroup }), ...more }),
    /** The terminal offers anew in its session; the answer, or the status of a refusal. */
    reoffer(leg: string, terminal: Terminal, say: Say): string | number {
      conference.receive({ type: "reoffer", leg, offer: terminal.offer(say) });
      const event = events.at(-1);
      if (event?.type !== "reanswer" || event.leg !== leg) throw new Error(`no answer: ${JSON.stringify(event)}`);
      if ("status" in event) return event.status;
      terminal.accept(event.sdp);
      return event.sdp;
    },
    key: (leg: string, key: string) => conference.receive({ type: "key", leg, key }),
    /** A terminal whose leg stands. */
    async member(name: string, change: MemberOptions = {}): Promise<Terminal> {
      const {
        mayTalk = true,
        priority = 0,
        mayPreempt = true,
        mayRaise = false,
        mayCalm = false,
        talkgroup = "ops",
        telephone,
        scan,
        legSrtp,
        ...rest
      } = change;
      const terminal = await site.terminal(rest);
      const further = { ...(telephone && { telephone }), ...(scan && { scan }), ...(legSrtp && { srtp: legSrtp }) };
      const rights = { mayTalk, priority, mayPreempt, mayRaise, mayCalm };
      const offer = await site.offer(name, { ...rights, talkgroup, ...further });
      conference.receive({ type: "accept", leg: name, answer: terminal.answer(offer) });
      await clock.advance(0);
      return terminal;
    },
    /** Everybody goes. No timer may be left. */
    async close(): Promise<number> {
      conference.close();
      for (const terminal of terminals) terminal.close();
      // What is under way on the network arrives nowhere.
      await clock.advance(10);
      return clock.pending();
    },
  };
  return site;
}

export type Site = ReturnType<typeof openSite>;

/** The talker says these, one each 20 ms, the first of them marked. */
export async function say(clock: VirtualClock, talker: Terminal, payloads: readonly Uint8Array[]): Promise<void> {
  for (const [index, payload] of payloads.entries()) {
    talker.speak(payload, { marker: index === 0 });
    await clock.advance(20);
  }
}

/** Payloads that are told apart; no codec could read them. */
export const payloads = (count: number, first = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => Uint8Array.from([0xf8, first + index, 3, 5, 7]));

/** Which of `payloads` was heard. */
export const numbersOf = (terminal: Terminal): number[] => terminal.heard.map(({ payload }) => payload[1] ?? -1);

export const upTo = (end: number, start = 0): number[] =>
  Array.from({ length: end - start }, (_, index) => start + index);
