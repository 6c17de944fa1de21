import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Action, Rule } from "../../../firmware/presence/rules.ts";
import { header } from "../../../firmware/sip/message.ts";
import { readPresence } from "../../support/presence-documents.ts";
import { pidfOf } from "../../support/presence-phone.ts";
import { openSite, type Site } from "./site.ts";
import { openCrew, openPeer, openPhone } from "./terminals.ts";

const talking = "open other: talking in a talkgroup, on-the-phone";
/** A second, and the way of a word from phone to gateway and back, ms. */
const soon = 1_000;
const toOthers = (action: Action, names: Partial<Rule>): Rule[] => [
  { action, users: [], talkgroups: [], everyone: false, ...names },
];

const stateOf = (notify: Parameters<typeof header>[0] | undefined): string | undefined =>
  notify && header(notify, "subscription-state");

async function open() {
  const site = await openSite();
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const bob = await openCrew(site, "bob", "10.0.0.3");
  return { site, alice, bob, clock: site.clock };
}

/** The conference server says who talks. */
const floor = (site: Site, user?: string): void =>
  site.server.floor("ops", user === undefined ? undefined : `sip:${user}@example.org`);

test("a watcher is told at once that somebody is offline, and within a second of each change", async () => {
  const { site, alice, bob, clock } = await open();
  const seen = bob.watch("alice");
  await clock.advance(100);
  assert.equal([seen.states, seen.all()], [["active"], ["closed"]]);
  const [notify] = seen.notified;
  assert.match(stateOf(notify) ?? "", /^active;expires=600$/);
  assert.is(header(notify ?? { headers: [] }, "content-type"), "application/pidf+xml");
  assert.is(readPresence(new TextDecoder().decode(notify?.body)).entity, "sip:alice@example.org");
  const registration = alice.register();
  await clock.advance(soon);
  assert.equal(seen.all(), ["closed", "open"]);
  await alice.publish(pidfOf("open", "<rpid:away/>", "back at 3"));
  await clock.advance(soon);
  assert.is(seen.last(), "open away: back at 3");
  site.server.setStatus("alice", { status: "do-not-disturb" });
  await clock.advance(soon);
  assert.is(seen.last(), "open other: do not disturb, busy");
  site.server.setStatus("alice", undefined);
  await clock.advance(soon);
  assert.is(seen.last(), "open away: back at 3");
  void registration.close();
  await clock.advance(soon);
  assert.is(seen.last(), "closed", "whatever is published");
  await site.close();
});

test("who holds the floor is busy until the floor says otherwise, or the session with the talkgroup is over", async () => {
  const { site, bob, clock } = await open();
  const phone = await openPhone(site, "alice", "10.0.0.4");
  phone.register();
  const seen = bob.watch("alice");
  const affiliation = phone.subscribe();
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  floor(site, "alice");
  await clock.advance(soon);
  assert.equal([seen.last(), site.stateOf("alice")?.status], [talking, "busy"]);
  floor(site, "zoe");
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  floor(site, "alice");
  await clock.advance(soon);
  assert.is(seen.last(), talking);
  affiliation.close();
  await clock.advance(soon);
  assert.equal([seen.last(), site.stateOf("alice")?.status], ["open", "available"], "no word of the floor came");
  floor(site);
  for (const strange of ["tel:1", "", "sip:", "alice"]) site.server.floor("ops", strange);
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  await site.close();
});

test("a press that is taken back at once is told to nobody", async () => {
  const { site, bob, clock } = await open();
  const phone = await openPhone(site, "alice", "10.0.0.4");
  phone.subscribe();
  const seen = bob.watch("alice");
  await clock.advance(soon);
  const before = seen.all().length;
  floor(site, "alice");
  await clock.advance(50);
  floor(site);
  await clock.advance(soon);
  assert.is(seen.all().length, before);
  await site.close();
});

test("a user who may only listen is shown so while in session", async () => {
  const { site, alice, clock } = await open();
  const phone = await openPhone(site, "bob", "10.0.0.4");
  const seen = alice.watch("bob");
  phone.subscribe();
  await clock.advance(soon);
  assert.is(seen.last(), "open other: listening only");
  await site.close();
});

test("by default members of a common talkgroup see each other, and others are refused", async () => {
  const { site, alice, clock } = await open();
  const dave = await openCrew(site, "dave", "10.0.0.5");
  alice.register();
  await clock.advance(100);
  const refused = dave.watch("alice");
  const own = dave.watch("dave");
  const stranger = dave.watch("nobody-here-knows");
  await clock.advance(soon);
  assert.equal([refused.states, refused.notified], [["403"], []]);
  assert.equal([own.last(), stranger.last()], ["closed", "closed"]);
  await site.close();
});

test("who is blocked is refused, and who is blocked politely sees somebody who is offline, and nothing else", async () => {
  const { site, alice, bob, clock } = await open();
  const carol = await openCrew(site, "carol", "10.0.0.5");
  site.rules.set("alice", [
    ...toOthers("block", { users: ["bob"] }),
    ...toOthers("polite-block", { talkgroups: ["ops"] }),
  ]);
  alice.register();
  const modern = bob.watch("modern");
  const blocked = bob.watch("alice");
  const polite = carol.watch("alice");
  const offline = carol.watch("modern");
  await clock.advance(soon);
  assert.equal([blocked.states, blocked.notified], [["403"], []]);
  assert.equal([polite.states, polite.all(), modern.last()], [["active"], ["closed"], "closed"]);
  const bodyOf = ({ notified }: typeof polite): string => new TextDecoder().decode(notified[0]?.body);
  assert.is(bodyOf(polite), bodyOf(offline).replaceAll("modern", "alice"), "to the letter as somebody who is offline");

  await alice.publish(pidfOf("open", "<rpid:busy/>", "here"));
  await clock.advance(soon);
  site.server.setStatus("alice", { status: "do-not-disturb" });
  await clock.advance(soon);
  assert.equal(polite.all(), ["closed"], "no NOTIFY says that something changed");
  await clock.advance(600_000);
  assert.ok(polite.all().length > 1, "each refresh brings the state");
  assert.equal([...new Set(polite.all())], ["closed"]);
  await site.close();
});

test("a change of the rules is kept at once: the state comes, goes, or the subscription ends", async () => {
  const { site, alice, bob, clock } = await open();
  alice.register();
  const seen = bob.watch("alice");
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  site.rules.set("alice", toOthers("polite-block", { everyone: true }));
  site.server.reconsider("alice");
  await clock.advance(soon);
  assert.equal(seen.all(), ["open", "closed"]);
  site.rules.set("alice", toOthers("allow", { users: ["bob"] }));
  site.server.reconsider("alice");
  await clock.advance(soon);
  assert.equal(seen.all(), ["open", "closed", "open"]);
  site.rules.set("alice", toOthers("block", { users: ["bob"] }));
  site.server.reconsider("alice");
  await clock.advance(soon);
  assert.equal(
    [seen.states, seen.all()],
    [
      ["active", "403"],
      ["open", "closed", "open", "closed"],
    ],
  );
  const last = site.wire.sent.findLast(({ message }) => message.kind === "request" && message.method === "NOTIFY");
  assert.is(stateOf(last?.message), "terminated;reason=rejected");
  const timers = site.clock.pending();
  site.server.setStatus("alice", { status: "busy" });
  assert.is(site.clock.pending(), timers, "nobody is left to tell");
  await site.close();
});

test("somebody whose account is taken away watches nobody any more", async () => {
  const { site, alice, bob, clock } = await open();
  alice.register();
  const [single, list] = [bob.watch("alice"), bob.buddies()];
  await clock.advance(soon);
  assert.equal([single.last(), list.last()], ["open", "alice open"]);
  site.gone.add("bob");
  site.server.reconsider("bob");
  await clock.advance(soon);
  assert.equal(
    [single.states, list.states],
    [
      ["active", "403"],
      ["active", "403"],
    ],
  );
  assert.equal([single.last(), list.last()], ["closed", ""]);
  await site.close();
});

test("a user of another gateway is shown like one of this one, and is offline with the gateway", async () => {
  const { site, bob, clock } = await open();
  const { server } = site;
  const seen = bob.watch("zoe");
  await clock.advance(soon);
  assert.is(seen.last(), "closed", "nobody knows of zoe yet");
  const members = '{"members":["ops"]}';
  server.remote("east", "zoe", { status: "available", talkgroups: [], detail: members });
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  const detail = '{"activity":"talking","note":"at the gate","members":["ops"]}';
  server.remote("east", "zoe", { status: "busy", talkgroups: ["ops"], detail });
  await clock.advance(soon);
  assert.is(seen.last(), `${talking}: at the gate`);
  server.remote("west", "zoe", { status: "available", talkgroups: [], detail: members });
  await clock.advance(soon);
  assert.is(seen.last(), "open", "at two gateways the most available counts");
  server.remote("west", "zoe", undefined);
  await clock.advance(soon);
  assert.is(seen.last(), `${talking}: at the gate`);
  server.remote("east", "zoe", undefined);
  await clock.advance(soon);
  assert.is(seen.last(), "closed");
  await site.close();
});

test("the rules of a user of another gateway are kept here", async () => {
  const { site, alice, bob, clock } = await open();
  const { server } = site;
  const [blocked, polite] = [bob.watch("zoe"), alice.watch("zoe")];
  const rules = [
    { action: "block", users: ["bob"] },
    { action: "polite-block", talkgroups: ["fire"] },
  ];
  const detail = JSON.stringify({ members: ["ops", "fire"], rules });
  await clock.advance(100);
  server.remote("east", "zoe", { status: "available", talkgroups: ["ops"], detail });
  await clock.advance(soon);
  assert.equal(
    [blocked.states, blocked.all()],
    [
      ["active", "403"],
      ["closed", "closed"],
    ],
  );
  assert.equal([polite.states, polite.all()], [["active"], ["closed"]]);
  assert.is(bob.watch("yan").states.length, 0);
  server.remote("east", "yan", { status: "available", talkgroups: [], detail: '{"members":["fire"]}' });
  server.remote("east", "old", { status: "available", talkgroups: ["fire"] });
  const [stranger, ofOldGateway] = [bob.watch("yan"), bob.watch("old")];
  await clock.advance(soon);
  assert.equal(stranger.states, ["403"], "no common talkgroup");
  assert.equal(ofOldGateway.all(), ["closed"], "who may come into one yet is not refused for good");
  server.remote("east", "old", { status: "available", talkgroups: ["ops"] });
  await clock.advance(soon);
  assert.is(ofOldGateway.last(), "open");
  await site.close();
});

test("what another gateway says of a user of this one does not open what the account closes", async () => {
  const { site, bob, clock } = await open();
  site.rules.set("alice", toOthers("polite-block", { users: ["bob"] }));
  const seen = bob.watch("alice");
  const detail = JSON.stringify({ members: ["ops"], rules: [{ action: "allow", everyone: true }] });
  site.server.remote("east", "alice", { status: "available", talkgroups: ["ops"], detail });
  await clock.advance(soon);
  assert.equal(seen.all(), ["closed"]);
  await site.close();
});

test("a registration that runs out, and a terminal that dies in a burst, leave nobody online or busy", async () => {
  const { site, bob, clock } = await open();
  const phone = await openPhone(site, "alice", "10.0.0.4");
  const seen = bob.watch("alice");
  phone.register(60);
  phone.subscribe();
  await clock.advance(soon);
  floor(site, "alice");
  await clock.advance(soon);
  assert.is(seen.last(), talking);
  site.wire.network.kill("10.0.0.4");
  // The conference server misses the leg, and the binding and the subscription run out: no word of the floor comes.
  for (const leg of [...site.conference.legs]) site.conference.tell({ type: "lost", leg });
  await clock.advance(soon);
  assert.is(seen.last(), "open");
  await clock.advance(700_000);
  assert.equal([seen.last(), site.stateOf("alice")], ["closed", undefined]);
  await site.close();
});

test("a watcher that lost a NOTIFY has the full state with its next subscription", async () => {
  const { site, alice, bob, clock } = await open();
  const seen = bob.watch("alice");
  await clock.advance(10_000);
  site.wire.network.setLoss(1);
  alice.register();
  await clock.advance(40_000);
  site.wire.network.setLoss(0);
  alice.register();
  // The gateway gave the watcher up, and the watcher learns so when it refreshes.
  await clock.advance(600_000);
  assert.equal([seen.last(), seen.states.at(-1)], ["open", "active"]);
  await site.close();
});

test("a gateway that goes down tells each watcher so", async () => {
  const { site, alice, bob, clock } = await open();
  alice.register();
  bob.watch("alice");
  bob.buddies();
  await clock.advance(soon);
  const from = site.wire.sent.length;
  const closing = site.endpoint.close();
  await clock.advance(100);
  const words = site.wire.sent.slice(from).map(({ message }) => stateOf(message));
  assert.equal(
    words.filter((word) => word !== undefined),
    Array(2).fill("terminated;reason=deactivated"),
  );
  await clock.advance(40_000);
  await closing;
  await site.close();
});

test("a poll is answered once, and nothing is kept of it", async () => {
  const { site, alice, clock } = await open();
  alice.register();
  await clock.advance(100);
  const peer = await openPeer(site, "bob");
  for (let poll = 0; poll < 130; poll++) {
    const headers = ["Event: presence", "Expires: 0", `Contact: <${peer.contact}>`];
    assert.is((await peer.ask({ method: "SUBSCRIBE", uri: "alice", callId: `poll-${poll}`, headers })).status, 200);
    assert.is(stateOf(peer.last("NOTIFY")), "terminated;reason=timeout");
    peer.answer(peer.last("NOTIFY"), 200);
  }
  await site.close();
});

test("the last word to a watcher that unsubscribes is the state", async () => {
  const { site, alice, bob, clock } = await open();
  alice.register();
  const seen = bob.watch("alice");
  await clock.advance(soon);
  seen.close();
  await clock.advance(100);
  const last = site.wire.sent.findLast(({ message }) => message.kind === "request" && message.method === "NOTIFY");
  assert.is(stateOf(last?.message), "terminated;reason=timeout");
  assert.is(readPresence(new TextDecoder().decode(last?.message.body)).basic, "open");
  await site.close();
});

test("what cannot be watched, taken or afforded is refused with what to do about it", async () => {
  const { site, clock } = await open();
  const peer = await openPeer(site, "bob");
  let count = 0;
  const subscribe = (uri: string, ...headers: readonly string[]) =>
    peer.ask({
      ...{ method: "SUBSCRIBE", uri, callId: `call-${++count}` },
      headers: ["Event: presence", `Contact: <${peer.contact}>`, ...headers],
    });
  assert.is((await subscribe("ops")).status, 404, "a talkgroup has no presence");
  assert.is((await subscribe("x".repeat(200))).status, 404);
  assert.is((await subscribe("alice", "Accept: application/xpidf+xml, text/plain")).status, 406);
  assert.is((await subscribe("alice", "Accept: text/plain, application/*;q=0.5")).status, 200);
  peer.answer(peer.last("NOTIFY"), 200);
  const brief = await subscribe("alice", "Expires: 5");
  assert.equal([brief.status, header(brief, "min-expires")], [423, "30"]);
  const unproven = await peer.say({
    method: "SUBSCRIBE",
    uri: "alice",
    headers: ["Event: presence", `Contact: <${peer.contact}>`],
  });
  assert.is(unproven.status, 401);
  for (let number = 1; number < 128; number++) {
    assert.is((await subscribe(`somebody-${number}`)).status, 200);
    peer.answer(peer.last("NOTIFY"), 200);
  }
  const refused = await subscribe("alice");
  assert.equal([refused.status, header(refused, "retry-after")], [503, "30"]);
  await clock.advance(100);
  await site.close();
});

test.run();
