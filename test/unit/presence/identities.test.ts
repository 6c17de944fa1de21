import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AccountEntry, recordOf } from "../../../firmware/presence/accounts.ts";
import { header, headers, type SipResponse } from "../../../firmware/sip/message.ts";
import { pidfOf } from "../../support/presence-phone.ts";
import { bookOf, entries, entryOf, identityOf, memory, openSite, realm, type Site } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

const lead = (changes: Partial<AccountEntry> = {}): AccountEntry =>
  identityOf("alice", "site-lead", { talkgroups: ["fire"], standing: ["fire"], ...changes });
const book = () => bookOf([...entries, lead()]);
const aorOf = (user: string): string => `sip:${user}@${realm}`;
const register = { method: "REGISTER" };

/** The account is this one from now on, as its source would tell it. */
function put(site: Site, entry: AccountEntry): void {
  site.server.account(entry.user, site.accounts.put(recordOf(entry, realm)));
}

function remove(site: Site, user: string): void {
  site.accounts.remove(user);
  site.server.account(user, "proof");
}

const associated = (response: SipResponse): readonly string[] => headers(response, "p-associated-uri");
/** The identities whose sessions were asked for, in the order in which they were. */
const called = (phone: { readonly invites: Parameters<typeof header>[0][] }): string[] =>
  phone.invites.map((invite) => /sip:([^@]*)/.exec(header(invite, "to") ?? "")?.[1] ?? "");

/** The legs that stand, in words: "site-lead in fire, 3". */
function legs(site: Site): string[] {
  return site.asked.flatMap(({ command }) => {
    if (command.type !== "provision" || !site.conference.legs.has(command.options.leg)) return [];
    const { user, talkgroup, priority, mayTalk } = command.options;
    return [`${user.slice(4, user.indexOf("@"))} in ${talkgroup}, ${mayTalk ? priority : "listens"}`];
  });
}

test("one registration is that of every identity of the user, each with its own sessions", async () => {
  const site = await openSite({ accounts: book() });
  const phone = await openPhone(site);
  phone.register();
  phone.subscribe("ops");
  await site.clock.advance(500);
  assert.equal(legs(site).sort(), ["alice in ops, 3", "site-lead in fire, 3"]);
  assert.equal(called(phone).sort(), ["alice", "site-lead"]);
  assert.equal(
    phone.invites.map(({ uri }) => uri),
    ["sip:alice@10.0.0.2:5060", "sip:alice@10.0.0.2:5060"],
    "both at the one contact",
  );
  assert.equal(
    ["alice", "site-lead"].map((user) => site.stateOf(user)?.talkgroups),
    [["ops"], ["fire"]],
  );
  await site.close();
});

test("the answer to a registration names the identities, if there are any, the user first", async () => {
  const site = await openSite({ accounts: book() });
  const [alice, bob] = [await openPeer(site), await openPeer(site, "bob", { host: "10.0.0.8", port: 5060 })];
  const all = ["<sip:alice@example.org>", "<sip:site-lead@example.org>"];
  assert.equal(associated(await alice.ask(register)), all);
  assert.equal(associated(await alice.ask({ ...register, headers: [] })), all);
  assert.equal(associated(await alice.ask({ ...register, headers: ["Contact: *", "Expires: 0"] })), all);
  assert.equal(associated(await bob.ask(register)), []);
  await site.close();
});

test("what an identity registers is registered for the user and every identity, and so is what it takes away", async () => {
  const site = await openSite({ accounts: book() });
  const peer = await openPeer(site);
  const said = { ...register, from: aorOf("site-lead") };
  const response = await peer.ask(said);
  assert.equal(associated(response), ["<sip:alice@example.org>", "<sip:site-lead@example.org>"]);
  assert.equal(headers(response, "contact").length, 1);
  await site.clock.advance(100);
  assert.equal(site.told, ["alice: ", "site-lead: "]);
  assert.equal(headers(await peer.ask({ ...register, headers: [] }), "contact").length, 1, "it is one contact");
  // One of them may register the other: who proved to be one is all of them.
  assert.is((await peer.ask({ ...said, to: aorOf("alice") })).status, 200);
  assert.is((await peer.ask({ ...said, to: aorOf("bob") })).status, 403);
  await peer.ask({ ...said, headers: [`Contact: <${peer.contact}>;expires=0`] });
  await site.clock.advance(100);
  assert.equal(site.told.slice(-2), ["alice: gone", "site-lead: gone"]);
  await site.close();
});

test("a phone with a line for each identity has each one's session at that line, once", async () => {
  const site = await openSite({ accounts: bookOf([...entries, entryOf("alice", { standing: ["fire"] }), lead()]) });
  const peer = await openPeer(site);
  const line = (user: string, expires = 300) => ({
    ...{ ...register, from: aorOf(user), callId: `line-of-${user}` },
    headers: [`Contact: <sip:${user}@10.0.0.9:5060>;expires=${expires}`],
  });
  /** Answers whatever it was asked since; gives the sessions that it was called to: "alice at alice". */
  async function calls(): Promise<string[]> {
    const called: string[] = [];
    for (let round = 0; round < 10; round++) {
      for (const request of peer.raw.received.splice(0)) {
        if (request.kind !== "request" || request.method === "ACK") continue;
        const to = header(request, "to") ?? "";
        if (!to.includes("tag="))
          called.push([to, request.uri].map((uri) => /sip:([^@]*)/.exec(uri)?.[1]).join(" at "));
        peer.answer(request, 200, "an answer");
      }
      await site.clock.advance(50);
    }
    return called;
  }
  await peer.ask(line("alice"));
  assert.equal(await calls(), ["alice at alice", "site-lead at alice"]);
  const { headers: list } = await peer.ask(line("site-lead"));
  assert.is(list.filter(([name]) => name === "contact").length, 2, "each line finds its own contact in the answer");
  assert.equal(await calls(), ["site-lead at site-lead"]);
  assert.equal(legs(site).sort(), ["alice in fire, 3", "site-lead in fire, 3"]);
  for (let refresh = 0; refresh < 3; refresh++)
    for (const user of ["alice", "site-lead"]) {
      await peer.ask(line(user));
      assert.equal(await calls(), [], "a refresh changes nothing");
    }
  await peer.ask(line("site-lead", 0));
  assert.equal(await calls(), ["site-lead at alice"]);
  await peer.ask(line("alice", 0));
  await calls();
  assert.equal([legs(site), site.stateOf("alice"), site.stateOf("site-lead")], [[], undefined, undefined]);
  await site.close();
});

test("a subscription of an identity beside a standing one is one session, at the contact that it names", async () => {
  const site = await openSite({ accounts: book() });
  const phone = await openPhone(site);
  phone.register();
  await site.clock.advance(500);
  phone.subscribe("fire", "conference", "site-lead");
  await site.clock.advance(500);
  assert.equal(legs(site), ["site-lead in fire, 3"]);
  // Contacts that differ otherwise are of different terminals.
  const other = await openPeer(site, "alice", { host: "10.0.0.9", port: 5060 });
  await other.ask({ ...register, headers: ["Contact: <sip:site-lead@10.0.0.9:5060>, <sip:desk@10.0.0.9:5060>"] });
  await site.clock.advance(20);
  assert.equal(legs(site).length, 3);
  await site.close();
});

test("a request of an identity is proved as the user's, and by nobody else", async () => {
  const site = await openSite({ accounts: bookOf([...entries, lead(), identityOf("bob", "duty")]) });
  const peer = await openPeer(site);
  const as = (user: string, uri = "fire") => ({
    ...{ method: "SUBSCRIBE", uri, from: aorOf(user) },
    headers: [`Contact: <${peer.contact}>`, "Event: conference", "Expires: 0"],
  });
  const publish = (user: string, uri: string) => ({
    ...{ method: "PUBLISH", uri, from: aorOf(user), body: pidfOf("open") },
    headers: ["Event: presence", "Content-Type: application/pidf+xml"],
  });
  assert.is((await peer.ask(as("site-lead"))).status, 200);
  assert.is((await peer.ask(as("site-lead", "ops"))).status, 403, "its memberships are its own");
  assert.is((await peer.ask(as("alice", "ops"))).status, 200);
  assert.is((await peer.ask(publish("site-lead", "site-lead"))).status, 200);
  assert.is((await peer.ask(publish("site-lead", "alice"))).status, 403);
  assert.is((await peer.ask(as("duty"))).status, 403, "an identity of somebody else");
  assert.is((await peer.ask(as("bob"))).status, 403);
  // As with a user who does not exist: nobody learns that it is an identity.
  for (const user of ["site-lead", "nobody"])
    assert.is((await peer.ask(as(user), { username: user })).status, 401, user);
  await site.close();
});

test("an identity is no way to guess at the user's password more often", async () => {
  const site = await openSite({ accounts: book() });
  const peer = await openPeer(site);
  const said = { ...register, from: aorOf("site-lead") };
  for (let guess = 0; guess < 30; guess++) {
    const challenges = await peer.challenges(said);
    peer.send(said, peer.prove(said, challenges, { password: `wrong ${guess}` }));
    await site.clock.advance(10_000);
  }
  for (const user of ["alice", "site-lead"]) {
    const of = { ...register, from: aorOf(user) };
    assert.is((await peer.say(of, peer.prove(of, await peer.challenges(of)))).status, 503, user);
  }
  await site.close();
});

test("an identity that comes while the user is registered is there at once, and one that goes is gone", async () => {
  const site = await openSite();
  const phone = await openPhone(site);
  phone.register();
  phone.subscribe("ops");
  await site.clock.advance(500);
  put(site, lead());
  await site.clock.advance(500);
  assert.equal(legs(site).sort(), ["alice in ops, 3", "site-lead in fire, 3"]);
  put(site, identityOf("alice", "duty", { talkgroups: ["ops"] }));
  await site.clock.advance(500);
  assert.equal(site.stateOf("duty"), { status: "available", talkgroups: [], detail: site.stateOf("duty")?.detail });
  put(site, lead({ priority: 9 }));
  await site.clock.advance(500);
  assert.equal(legs(site).sort(), ["alice in ops, 3", "site-lead in fire, 9"]);
  put(site, lead({ standing: [] }));
  await site.clock.advance(500);
  assert.equal(legs(site), ["alice in ops, 3"]);
  put(site, lead());
  remove(site, "duty");
  await site.clock.advance(500);
  assert.is(site.stateOf("duty"), undefined);
  remove(site, "site-lead");
  await site.clock.advance(500);
  assert.equal(legs(site), ["alice in ops, 3"]);
  assert.equal([site.stateOf("site-lead"), site.stateOf("alice")?.talkgroups], [undefined, ["ops"]]);
  // And the terminal's own registration goes on, with what is left.
  await site.clock.advance(600_000);
  assert.equal([legs(site), site.stateOf("site-lead")], [["alice in ops, 3"], undefined]);
  await site.close();
});

test("an identity that comes before the user registers is bound with those that were there", async () => {
  const site = await openSite({ accounts: book() });
  put(site, identityOf("alice", "duty", { talkgroups: ["ops"], standing: ["ops"] }));
  const phone = await openPhone(site);
  phone.register();
  await site.clock.advance(500);
  assert.equal(called(phone).sort(), ["duty", "site-lead"]);
  await site.close();
});

test("an identity that is given to another user goes from the one's terminals to the other's", async () => {
  const site = await openSite({ accounts: book() });
  const [alice, bob] = [await openPhone(site), await openPhone(site, "bob", "10.0.0.3")];
  alice.register();
  bob.register();
  const watching = alice.subscribe("fire", "conference", "site-lead");
  await site.clock.advance(500);
  put(site, identityOf("bob", "site-lead", { talkgroups: ["fire"], standing: ["fire"] }));
  await site.clock.advance(500);
  assert.equal(called(bob), ["site-lead"]);
  assert.equal(legs(site), ["site-lead in fire, 3"]);
  assert.ok(alice.story.includes("out of session"));
  watching.close();
  // One that gets a password of its own is bound by its own registration alone, and the other way round.
  put(site, entryOf("site-lead", { standing: ["fire"] }));
  await site.clock.advance(500);
  assert.equal(legs(site), []);
  const own = await openPhone(site, "site-lead", "10.0.0.4");
  own.register();
  await site.clock.advance(500);
  assert.equal([called(own), legs(site)], [["site-lead"], ["site-lead in fire, 3"]]);
  put(site, lead());
  await site.clock.advance(500);
  assert.equal([called(alice).at(-1), legs(site)], ["site-lead", ["site-lead in fire, 3"]]);
  await site.close();
});

for (const [what, happens] of Object.entries({
  "has a new password": (site: Site) => put(site, entryOf("alice", { password: "another" })),
  "is removed": (site: Site) => {
    // As the store tells it: one after the other.
    remove(site, "alice");
    remove(site, "site-lead");
  },
  "is removed after the identity": (site: Site) => {
    remove(site, "site-lead");
    remove(site, "alice");
  },
}))
  test(`of a user who ${what} everything of the identities ends`, async () => {
    const site = await openSite({ accounts: book() });
    const phone = await openPhone(site);
    phone.register();
    phone.subscribe("fire", "conference", "site-lead");
    const peer = await openPeer(site);
    const publish = {
      ...{ method: "PUBLISH", uri: "site-lead", from: aorOf("site-lead"), body: pidfOf("open", "<rpid:busy/>") },
      headers: ["Event: presence", "Content-Type: application/pidf+xml"],
    };
    assert.is((await peer.ask(publish)).status, 200);
    await site.clock.advance(500);
    assert.is(site.stateOf("site-lead")?.status, "busy");
    happens(site);
    await site.clock.advance(500);
    assert.equal([legs(site), site.stateOf("site-lead"), site.stateOf("alice")], [[], undefined, undefined]);
    const terminated = site.wire.sent.filter(({ message }) =>
      header(message, "subscription-state")?.startsWith("terminated"),
    );
    assert.ok(terminated.length > 0);
    // 403 once nobody knows any more whose identity it was.
    const { status } = await peer.ask({ ...publish, headers: ["Event: presence"], body: "" });
    assert.ok([401, 403].includes(status), `${status}`);
    await site.close();
  });

test("after a restart the identities come back with what their user registered", async () => {
  const bindings = memory();
  const site = await openSite({ accounts: book(), bindings });
  const phone = await openPhone(site);
  phone.register();
  await site.clock.advance(500);
  assert.equal(
    [...bindings.kept.values()].map(({ user }) => user),
    ["alice"],
  );
  await site.die();
  const again = await openSite({ wire: site.wire, bindings, accounts: book() });
  again.opened.push(...site.opened.splice(0));
  again.server.restore();
  assert.equal(again.told, []);
  await again.clock.advance(500);
  assert.equal(again.told, ["alice: ", "site-lead: ", "site-lead: fire"]);
  assert.equal(legs(again), ["site-lead in fire, 3"]);
  await again.close();
});

test("with a connection that is gone every identity is out of reach, and there again with the next", async () => {
  const site = await openSite({ accounts: book() });
  const peer = await openPeer(site, "alice", { host: "10.0.0.9", port: 5060 }, "tcp");
  await peer.ask(register);
  await site.clock.advance(100);
  peer.raw.close();
  await site.clock.advance(100);
  assert.equal(site.told.slice(-2), ["alice: gone", "site-lead: gone"]);
  put(site, identityOf("alice", "duty", { talkgroups: ["ops"] }));
  await site.clock.advance(100);
  assert.is(site.stateOf("duty"), undefined);
  const next = await openPeer(site, "alice", { host: "10.0.0.9", port: 5061 }, "tcp");
  await next.ask(register);
  await site.clock.advance(100);
  assert.equal(
    ["alice", "duty", "site-lead"].map((user) => site.stateOf(user)?.talkgroups),
    [[], [], []],
  );
  await site.close();
});

test.run();
