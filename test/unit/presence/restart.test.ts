import { test } from "uvu";
import * as assert from "uvu/assert";
import { header, headers, type SipMessage } from "../../../firmware/sip/message.ts";
import { serverAddress } from "../../support/sip-wire.ts";
import { bookOf, entries, entryOf, memory, openSite, type Site } from "./site.ts";
import { openPeer, openPhone, type Peer } from "./terminals.ts";

const register = { method: "REGISTER" } as const;

/** A site with a store, until it loses its power. */
async function open() {
  const bindings = memory();
  const site = await openSite({ bindings });
  return { site, bindings, wire: site.wire, clock: site.wire.clock };
}

/** The same place, started anew. */
async function restart(before: Site, bindings: ReturnType<typeof memory>, accounts = bookOf()): Promise<Site> {
  const site = await openSite({ wire: before.wire, bindings, accounts });
  // What belongs to the terminals is closed with the site that they are at last.
  site.opened.push(...before.opened.splice(0));
  site.server.restore();
  return site;
}

const optionsTo = ({ wire }: Site, host: string): number =>
  wire.sent.filter(({ from, message }) => from === serverAddress.host && isOptionsTo(message, host)).length;
const isOptionsTo = (message: SipMessage, host: string): boolean =>
  message.kind === "request" && message.method === "OPTIONS" && message.uri.includes(host);

async function contacts(peer: Peer): Promise<readonly string[]> {
  return headers(await peer.ask({ ...register, headers: [] }), "contact");
}

test("after a restart a phone has its session again, and has not registered anew", async () => {
  const { site, bindings, wire, clock } = await open();
  const phone = await openPhone(site, "carol");
  phone.register();
  await clock.advance(500);
  await site.die();
  const registered = wire.count("10.0.0.2", "REGISTER");
  const again = await restart(site, bindings);
  assert.equal(again.told, [], "nobody is there before there is a sign of life");
  await clock.advance(500);
  assert.equal(again.told, ["carol: ", "carol: ops"]);
  assert.is(phone.invites.length, 2);
  assert.is(wire.count("10.0.0.2", "REGISTER"), registered);
  // And its next refresh is a refresh.
  await clock.advance(300_000);
  assert.equal([again.told.length, phone.invites.length], [2, 2]);
  await again.close();
});

test("a registration that ran out while the power was off is none, and nobody asks for it", async () => {
  const { site, bindings, clock } = await open();
  const peer = await openPeer(site);
  await peer.ask({ ...register, headers: [`Contact: <${peer.contact}>;expires=60`] });
  await site.die();
  clock.stall(60_000);
  const again = await restart(site, bindings);
  await clock.advance(120_000);
  assert.equal([again.told, optionsTo(again, "10.0.0.9"), bindings.kept.size], [[], 0, 0]);
  assert.equal(await contacts(peer), []);
  await again.close();
});

test("what is left of a registration's time goes on, and so do its series and its preference", async () => {
  const { site, bindings, clock } = await open();
  const peer = await openPeer(site);
  const said = { ...register, headers: [`Contact: <${peer.contact}>;expires=600;q=0.7`] };
  await peer.ask({ ...said, cseq: 20 });
  await site.die();
  await clock.advance(100_000);
  const again = await restart(site, bindings);
  assert.match((await contacts(peer)).join(), /^<sip:alice@10\.0\.0\.9:5060>;q=0\.7;expires=49\d$/);
  assert.is((await peer.ask({ ...said, cseq: 20 })).status, 500, "a REGISTER that was overtaken before the restart");
  assert.is((await peer.ask({ ...said, cseq: 21 })).status, 200);
  assert.equal(again.told, ["alice: "]);
  await again.close();
});

test("who does not answer is not there, is asked again, and is there when an answer comes", async () => {
  const { site, bindings, wire, clock } = await open();
  const phone = await openPhone(site, "carol");
  phone.register(3_600);
  await clock.advance(500);
  await site.die();
  wire.network.partition(serverAddress.host, "10.0.0.2");
  const again = await restart(site, bindings);
  await clock.advance(180_000);
  assert.equal([again.told, phone.invites.length], [[], 1]);
  assert.ok(optionsTo(again, "10.0.0.2") >= 2);
  wire.network.heal();
  await clock.advance(100_000);
  assert.equal(again.told, ["carol: ", "carol: ops"]);
  const asked = optionsTo(again, "10.0.0.2");
  await clock.advance(200_000);
  assert.is(optionsTo(again, "10.0.0.2"), asked, "who is there is asked no more");
  await again.close();
});

test("of the answers those that say that nobody is there are no sign of life, and all others are", async () => {
  for (const [status, isThere] of [
    [200, true],
    [405, true],
    [486, true],
    [480, true],
    [404, false],
    [410, false],
    [604, false],
    [503, false],
  ] as const) {
    const { site, bindings, clock } = await open();
    const peer = await openPeer(site);
    await peer.ask(register);
    await site.die();
    const again = await restart(site, bindings);
    await clock.advance(20);
    peer.answer(peer.last("OPTIONS"), status);
    await clock.advance(20);
    assert.equal(again.told, isThere ? ["alice: "] : [], `${status}`);
    await again.close();
  }
});

test("who registers before an answer comes is there, and the answer changes nothing", async () => {
  const { site, bindings, clock } = await open();
  const peer = await openPeer(site, "carol");
  await peer.ask(register);
  await site.die();
  const again = await restart(site, bindings);
  await clock.advance(20);
  const question = peer.last("OPTIONS");
  await peer.ask(register);
  await clock.advance(100);
  const words = again.conference.words();
  assert.is(words.length, 1, "its session is being set up");
  peer.answer(question, 200);
  await clock.advance(100);
  assert.equal([again.told, again.conference.words()], [["carol: "], words]);
  await again.close();
});

test("the way back over TCP ended with the gateway: the terminal is not asked, and is there when it comes", async () => {
  const { site, bindings, wire, clock } = await open();
  const aor = "sip:carol@example.org";
  const endpoint = await wire.endpoint({ host: "10.0.0.2", port: 5060 });
  site.opened.push(() => endpoint.close());
  endpoint.register({
    aor,
    registrar: { transport: "tcp", remote: serverAddress },
    credentials: { username: "carol", password: "secret" },
    expires: 600,
    onState() {},
  });
  await clock.advance(500);
  assert.equal(site.told, ["carol: "]);
  await site.die();
  const again = await restart(site, bindings);
  const peer = await openPeer(again, "carol");
  assert.is((await contacts(peer)).length, 1, "it is registered");
  assert.equal([again.told, again.asked, optionsTo(again, "10.0.0.2")], [[], [], 0], "and not there");
  // The terminal has lost its connection, and makes another one.
  await clock.advance(60_000);
  assert.equal(again.told[0], "carol: ");
  assert.is((await contacts(peer)).length, 1);
  await again.close();
});

test("nobody is called where a terminal once came from over TCP", async () => {
  const { site, bindings, wire, clock } = await open();
  await (await openPeer(site)).ask(register);
  const [alice] = bindings.kept.values();
  const remote = { host: "10.0.0.7", port: 40_000 };
  if (alice) bindings.save({ ...alice, contact: "sip:alice@10.0.0.7:5060;transport=tcp", transport: "tcp", remote });
  await site.die();
  let calls = 0;
  for (const port of [remote.port, 5060])
    await wire.network.host(remote.host).listen({ ...remote, port }, () => {
      calls += 1;
    });
  const again = await restart(site, bindings);
  await clock.advance(100_000);
  assert.is(calls, 0);
  await again.close();
});

test("what is kept is what the registrar knows: refreshed, removed, run out, and not given up when it closes", async () => {
  const { site, bindings, clock } = await open();
  const peer = await openPeer(site);
  const kept = () => [...bindings.kept.values()].map(({ contact, cseq }) => `${contact} ${cseq}`);
  const other = "sip:other@10.0.0.9";
  await peer.ask({ ...register, headers: [`Contact: <${peer.contact}>, <${other}>;expires=60`], cseq: 1 });
  assert.equal(kept(), [`${peer.contact} 1`, `${other} 1`]);
  const [first] = bindings.kept.values();
  assert.equal(first, {
    user: "alice",
    contact: peer.contact,
    transport: "udp",
    remote: { host: "10.0.0.9", port: 5060 },
    callId: "call",
    cseq: 1,
    // It took 5 of the 20 ms that its answer was waited for.
    expiresAt: clock.wall() + 300_000 - 15,
  });
  await clock.advance(30_000);
  await peer.ask({ ...register, cseq: 2 });
  assert.equal(kept(), [`${peer.contact} 2`, `${other} 1`]);
  await clock.advance(60_000);
  assert.equal(kept(), [`${peer.contact} 2`]);
  await peer.ask({ ...register, headers: ["Contact: *", "Expires: 0"], cseq: 3 });
  assert.equal(kept(), []);
  await peer.ask({ ...register, cseq: 4 });
  await site.close();
  assert.equal(kept(), [`${peer.contact} 4`]);
});

test("a terminal is told that it is gone when that outlives a restart, and not before", async () => {
  let waiting: (() => void)[] = [];
  const kept = memory();
  const bindings = { ...kept, settled: (callback: () => void) => void waiting.push(callback) };
  const site = await openSite({ bindings });
  const peer = await openPeer(site);
  await peer.ask({ ...register, cseq: 1 });
  assert.is(waiting.length, 0, "who is there waits for nothing");
  for (const leaving of [[`Contact: <${peer.contact}>;expires=0`], ["Contact: *", "Expires: 0"]]) {
    const said = { ...register, headers: leaving, cseq: 2 };
    const proof = peer.prove(said, await peer.challenges(said));
    const before = peer.raw.statuses().length;
    peer.send(said, proof);
    await site.wire.clock.advance(50);
    assert.equal([peer.raw.statuses().length, kept.kept.size], [before, 0]);
    for (const callback of waiting) callback();
    await site.wire.clock.advance(50);
    assert.equal(peer.raw.statuses().slice(before), [200]);
    waiting = [];
  }
  await site.close();
});

test("what is said between a change of an account and the news of it is kept when the news comes", async () => {
  const { site, bindings } = await open();
  const peer = await openPeer(site);
  await peer.ask(register);
  const before = [...bindings.kept.values()];
  bindings.kept.clear();
  site.server.account("alice", "rights");
  assert.equal([...bindings.kept.values()], before);
  await site.close();
});

test("of users who are gone, and by ways that are not spoken here, nothing is taken up or kept", async () => {
  const { site, bindings, clock } = await open();
  for (const user of ["alice", "bob"]) {
    const peer = await openPeer(site, user, { host: user === "bob" ? "10.0.0.8" : "10.0.0.9", port: 5060 });
    await peer.ask(register);
  }
  const [alice] = bindings.kept.values();
  if (alice) bindings.save({ ...alice, contact: "sip:alice@10.0.0.7", transport: "carrier-pigeon" });
  await site.die();
  const again = await restart(site, bindings, bookOf(entries.filter(({ user }) => user !== "bob")));
  await clock.advance(100);
  assert.equal(
    [...bindings.kept.values()].map(({ contact }) => contact),
    ["sip:alice@10.0.0.9:5060"],
  );
  assert.equal([optionsTo(again, "10.0.0.8"), optionsTo(again, "10.0.0.7")], [0, 0]);
  await again.close();
});

test("a board that starts in its own past keeps a registration for an hour at most", async () => {
  const { site, bindings, clock } = await open();
  const peer = await openPeer(site);
  await peer.ask(register);
  const [alice] = bindings.kept.values();
  if (alice) bindings.save({ ...alice, expiresAt: clock.wall() + 20 * 365 * 86_400_000 });
  await site.die();
  const again = await restart(site, bindings);
  await clock.advance(20);
  peer.answer(peer.last("OPTIONS"), 200);
  await clock.advance(3_590_000);
  assert.equal(again.told, ["alice: "]);
  await clock.advance(10_000);
  assert.equal(again.told, ["alice: ", "alice: gone"]);
  await again.close();
});

test("contacts that show no sign of life give way to those that do, however often a gateway and its phones start anew", async () => {
  const { site, bindings } = await open();
  const first = await openPeer(site);
  const ten = Array.from({ length: 10 }, (_, number) => `<sip:${number}@10.0.0.9>`);
  await first.ask({ ...register, headers: [`Contact: ${ten.join(", ")}`] });
  await site.die();
  const again = await restart(site, bindings);
  const peer = await openPeer(again, "alice", { host: "10.0.0.10", port: 5060 });
  assert.is(
    (await peer.ask({ ...register, callId: "new", headers: ["Contact: <sip:0@10.0.0.9>, <sip:new@10.0.0.10>"] }))
      .status,
    200,
  );
  const found = (await contacts(peer)).map((contact) => contact.slice(0, contact.indexOf(">") + 1));
  assert.equal(
    found.toSorted(),
    [...ten.filter((contact) => contact !== "<sip:1@10.0.0.9>"), "<sip:new@10.0.0.10>"].toSorted(),
  );
  const eleven = Array.from({ length: 9 }, (_, number) => `<sip:more${number}@10.0.0.10>`);
  const refused = await peer.ask({ ...register, callId: "more", headers: [`Contact: ${eleven.join(", ")}`] });
  assert.equal(
    [refused.status, header(refused, "retry-after")],
    [503, "30"],
    "two are awake, and nine more are too many",
  );
  assert.is((await contacts(peer)).length, 10, "and none gave way for nothing");
  await again.close();
});

test("two thousand terminals are asked within a quarter of a second, and not in one moment", async () => {
  const bindings = memory();
  const names = Array.from({ length: 2_000 }, (_, number) => `u${number}`);
  const site = await openSite({ bindings, accounts: bookOf(names.map((user) => entryOf(user))) });
  const { clock, wire } = site;
  for (const [number, user] of names.entries())
    bindings.save({
      user,
      contact: `sip:${user}@10.1.0.1:${1_024 + number}`,
      transport: "udp",
      remote: { host: "10.1.0.1", port: 1_024 + number },
      callId: user,
      cseq: 1,
      expiresAt: clock.wall() + 600_000,
    });
  const moments = new Map<number, number>();
  wire.network.onDatagram(({ at }) => void moments.set(at, (moments.get(at) ?? 0) + 1));
  site.server.restore();
  await clock.advance(250);
  assert.ok(Math.max(...moments.values()) <= 100, "a hundred at a time");
  const asked = new Set(wire.sent.flatMap(({ message }) => (message.kind === "request" ? [message.uri] : [])));
  assert.is(asked.size, 2_000);
  await site.close();
});

test.run();
