/** Calls, guests, feature codes, referrals and exchanges in any order, while accounts, talkgroups, connections and legs come and go. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AccountEntry, recordOf } from "../../../firmware/presence/accounts.ts";
import type { SessionCommand, SessionEvent } from "../../../firmware/presence/conference-server.ts";
import { type Dice, dice } from "../../fuzz/dice.ts";
import { sipWire } from "../../support/sip-wire.ts";
import { exchangeAt, openPbx, type Pbx } from "./pbx.ts";
import { bookOf, entryOf, openSite, realm, type Site, willing } from "./site.ts";
import { openBareTerminal, openTurmoiler, type Turmoiler } from "./turmoil-crew.ts";

/** How many storms there are, and the first of their seeds. */
const storms = Number(process.env["ROGER_STORM_COUNT"] ?? 30);
const firstSeed = Number(process.env["ROGER_STORM_SEED"] ?? 1);
/** By now the sessions are over whose end the network kept, and whoever was refused for too long is let in, ms. */
const calmMs = 2_000_000;
const lines = 2;

const entries = [
  entryOf("alice", { talkgroups: ["ops"] }),
  entryOf("bob", { talkgroups: ["ops", "fire"] }),
  entryOf("carol", { talkgroups: ["ops"], standing: [] }),
  entryOf("erin", { talkgroups: ["ops", "fire"], dispatcher: ["ops", "fire"] }),
  entryOf("frank", { talkgroups: ["ops"], dispatcher: ["ops"] }),
];
const terminals = [
  { user: "alice", host: "10.0.0.20", transport: "udp" },
  { user: "alice", host: "10.0.0.21", transport: "tcp" },
  { user: "bob", host: "10.0.0.22", transport: "udp" },
  { user: "carol", host: "10.0.0.23", transport: "tcp" },
  { user: "carol", host: "10.0.0.24", transport: "udp" },
  { user: "erin", host: "10.0.0.25", transport: "udp" },
] as const;

/** A conference server that loses, refuses and forgets by chance while it is `wild`, and knows where each leg is. */
function conferenceOf(dice: Dice, { clock, conference: { legs } }: Site) {
  const talkgroups = new Set(["ops", "fire", "idle"]);
  /** Where each leg is; undefined: parked. */
  const places = new Map<string, string | undefined>();

  function enter(leg: string, talkgroup: string | undefined): readonly SessionEvent[] {
    if (talkgroup === undefined || talkgroups.has(talkgroup)) {
      places.set(leg, talkgroup);
      return [];
    }
    places.delete(leg);
    return [{ type: "lost", leg }];
  }

  /** Whoever is in a call is taken out of it, or released, by the time that it is closed. */
  function close(call: string): readonly SessionEvent[] {
    const lost = conference.remove(call);
    clock.after(0, () =>
      assert.not(
        lost.some(({ leg }) => legs.has(leg)),
        `somebody is lost with ${call}`,
      ),
    );
    return lost;
  }

  function obey(command: SessionCommand): readonly SessionEvent[] {
    switch (command.type) {
      case "talkgroup":
        talkgroups.add(command.settings.name);
        return [];
      case "no-talkgroup":
        return close(command.talkgroup);
      case "provision": {
        const { leg, talkgroup } = command.options;
        if (enter(leg, talkgroup).length > 0) return [{ type: "refused", leg, status: 404, reason: "no talkgroup" }];
        return willing(command);
      }
      case "move":
        if (!places.has(command.leg)) return [];
        if (command.talkgroup !== undefined) assert.is(places.get(command.leg), undefined, "lent while it was lent");
        return enter(command.leg, command.talkgroup);
      case "release":
        places.delete(command.leg);
        return [];
      default:
        return places.has(command.leg) ? willing(command) : [];
    }
  }

  const conference = {
    wild: true,
    places,
    talkgroups,
    remove(talkgroup: string): readonly SessionEvent[] {
      talkgroups.delete(talkgroup);
      const there = [...places].filter(([, place]) => place === talkgroup).map(([leg]) => leg);
      for (const leg of there) places.delete(leg);
      return there.map((leg) => ({ type: "lost", leg }));
    },
    lose(leg: string): SessionEvent {
      places.delete(leg);
      return { type: "lost", leg };
    },
    reply(command: SessionCommand): readonly SessionEvent[] {
      if (conference.wild && dice.chance(0.1) && (command.type === "provision" || command.type === "accept")) {
        const leg = command.type === "provision" ? command.options.leg : command.leg;
        places.delete(leg);
        return dice.chance(0.7) ? [{ type: "refused", leg, status: dice.oneOf([488, 503]), reason: "storm" }] : [];
      }
      return obey(command);
    },
  };
  return conference;
}
type Conference = ReturnType<typeof conferenceOf>;

function change(site: Site, user: string, changes: Partial<AccountEntry>): void {
  const entry = entries.find((each) => each.user === user) ?? entryOf(user);
  site.server.account(user, site.accounts.put(recordOf({ ...entry, ...changes }, realm)));
}

/** What an operator, the network and the conference server do. */
function weather(site: Site, at: Dice, conference: Conference, pbx: Pbx): readonly (() => void)[] {
  const { clock, server, wire } = site;
  const user = (): string => at.oneOf(["alice", "bob", "carol", "erin", "frank"]);
  const tell = (events: readonly SessionEvent[]): void => events.forEach(site.conference.tell);
  function remove(): void {
    const gone = user();
    site.accounts.remove(gone);
    server.account(gone, "proof");
    clock.after(at.below(20_000), () => change(site, gone, {}));
  }
  function removeTalkgroup(): void {
    const name = at.oneOf(["ops", "fire"]);
    tell(conference.remove(name));
    server.talkgroup(name, false);
    clock.after(at.below(20_000), () => {
      conference.talkgroups.add(name);
      server.talkgroup(name, true);
    });
  }
  function cut(): void {
    const { host } = at.oneOf(terminals);
    wire.network.partition("10.0.0.1", host);
    clock.after(at.below(40_000), wire.network.heal);
  }
  const deeds = [
    remove,
    removeTalkgroup,
    cut,
    () => change(site, user(), { password: "another" }),
    () => change(site, user(), { talkgroups: at.oneOf([["ops"], ["fire"], [], ["ops", "fire"]]) }),
    () => change(site, user(), { dispatcher: at.oneOf([["ops"], []]), priority: at.below(9) }),
    () => change(site, user(), {}),
    () => server.setStatus(user(), at.chance(0.5) ? { status: "do-not-disturb" } : undefined),
    () => server.quiet(at.oneOf([...conference.talkgroups])),
    () => {
      const legs = [...conference.places.keys()];
      if (legs.length > 0) tell([conference.lose(at.oneOf(legs))]);
    },
    () => {
      pbx.onInvite = at.oneOf(["accept", "accept", 486]);
      pbx.hangUp();
    },
  ];
  const dialled = () => {
    const session = pbx.dial({ number: at.oneOf(["8000", "8001", "8002"]) });
    clock.after(at.below(30_000), () => session.end());
  };
  return [...deeds, dialled, dialled];
}

async function openStorm(seed: number, at: Dice) {
  const wire = sipWire({
    seed,
    loss: at.oneOf([0, 0.1, 0.25]),
    duplicate: at.oneOf([0, 0.3]),
    jitterMs: at.oneOf([0, 300]),
  });
  const site = await openSite({
    wire,
    accounts: bookOf(entries),
    exchanges: [exchangeAt({ register: false, calls: lines })],
  });
  const conference = conferenceOf(at, site);
  site.conference.reply = conference.reply;
  const pbx = await openPbx(site);
  const crew: Turmoiler[] = [];
  for (const terminal of terminals) crew.push(await openTurmoiler(site, at, terminal));
  const bare = await openBareTerminal(site, at, "frank", "10.0.0.30");
  site.server.restore();
  return { site, conference, pbx, crew, bare, clock: site.clock };
}

/** What holds at any time. */
function isInOrder({ server, accounts, stateOf }: Site, { places }: Conference): void {
  assert.ok((server.exchanges()[0]?.calls ?? 0) <= lines, "an exchange has so many lines");
  for (const { user } of entries) {
    const legs = [...places].filter(([leg]) => leg.endsWith(`-${user}`)).map(([, place]) => place);
    const there = legs.filter((place) => place !== undefined && !place.startsWith("call/"));
    const allowed = accounts.find(user)?.talkgroups;
    assert.ok(
      there.every((talkgroup = "") => allowed?.has(talkgroup)),
      `${user} is in ${there.join()}`,
    );
    const { talkgroups = [] } = stateOf(user) ?? {};
    assert.ok(
      talkgroups.every((talkgroup) => there.includes(talkgroup)),
      `${user} is not in ${talkgroups.join()}`,
    );
  }
}

/** Everybody has hung up, and time has passed: what is there is what terminals want to be there, and it works. */
async function stands({ site, conference, crew, clock }: Awaited<ReturnType<typeof openStorm>>): Promise<void> {
  assert.equal([...site.conference.calls], [], "calls are left");
  assert.is(site.server.exchanges()[0]?.calls, 0, "lines are left taken");
  const direct = crew.filter((each) => each.wants().direct).map(({ user }) => user);
  assert.equal([...conference.places.keys()].map((leg) => leg.split("-")[1]).sort(), direct.sort(), "legs");
  assert.equal([...site.conference.legs].sort(), [...conference.places.keys()].sort(), "legs are not given back");
  assert.ok(
    [...conference.places.values()].every((place) => place === undefined),
    "sessions are not parked",
  );
  for (const { user } of entries) {
    const isThere = crew.some((each) => each.user === user && each.wants().registered);
    const { status, talkgroups = [] } = site.stateOf(user) ?? {};
    assert.equal([status, ...talkgroups], [isThere ? "available" : undefined], user);
  }
  for (const callee of [...new Set(direct), ...new Set(direct)]) {
    const caller = crew.find(({ user }) => user !== callee);
    if (!crew.some(({ user, wants }) => user === callee && wants().registered)) continue;
    const session = caller?.dial(callee);
    await clock.advance(2_000);
    const lent = [...conference.places].filter(([leg, place]) => leg.endsWith(callee) && place !== undefined);
    assert.is(lent.length, 1, `${callee} is lent again`);
    assert.is(conference.places.size, direct.length + 1, "nobody is called");
    session?.end();
    await clock.advance(2_000);
  }
}

/** The exchange is asked from time to time whether it is there. */
async function betweenProbes({ clock, endpoint }: Site): Promise<void> {
  for (let wait = 0; wait < 100 && endpoint.held().client > 0; wait++) await clock.advance(100);
}

async function storm(seed: number): Promise<void> {
  const at = dice(seed);
  const all = await openStorm(seed, at);
  const { site, conference, pbx, crew, bare, clock } = all;
  await clock.advance(100_000);
  await betweenProbes(site);
  const before = clock.pending();
  const deeds = weather(site, at, conference, pbx);
  const pace = at.oneOf([200, 1_000, 5_000]);
  for (let steps = 10 + at.below(90); steps > 0; steps--) {
    at.oneOf(crew).act();
    if (at.chance(0.4)) bare.act();
    bare.listen();
    if (at.chance(0.2)) at.oneOf(deeds)();
    await clock.advance(at.below(pace));
    isInOrder(site, conference);
  }
  await clock.advance(50_000);
  site.wire.network.setLoss(0);
  site.wire.network.heal();
  conference.wild = false;
  for (const { user } of entries) {
    change(site, user, {});
    site.server.setStatus(user, undefined);
  }
  for (let rest = 0; rest < 100; rest++) {
    for (const each of [...crew, bare]) each.settle();
    pbx.hangUp();
    await clock.advance(calmMs / 100);
    bare.listen();
  }
  await stands(all);
  for (const each of crew) each.leave();
  await clock.advance(100_000);
  await betweenProbes(site);
  assert.equal(site.endpoint.held(), { dialogs: 0, client: 0, server: 0 });
  assert.is(clock.pending(), before, "timers are left");
  await site.close();
}

test("whatever callers, callees, dispatchers, exchanges, operators and the network do, nothing is left of it when all have hung up", async () => {
  for (let seed = firstSeed; seed < firstSeed + storms; seed++)
    try {
      await storm(seed);
    } catch (error) {
      console.log(`ROGER_STORM_SEED=${seed} ROGER_STORM_COUNT=1 does this again`);
      throw error;
    }
});

test.run();
