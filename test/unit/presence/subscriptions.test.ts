import { test } from "uvu";
import * as assert from "uvu/assert";
import { conferenceInfo } from "../../../firmware/presence/conference-info.ts";
import { header } from "../../../firmware/sip/message.ts";
import { type Element, readXml } from "../../support/xml.ts";
import { openSite } from "./site.ts";
import { openPeer, openPhone, type Peer } from "./terminals.ts";

/** The child of that name, of which there is one. */
function only(parent: Element, name: string): Element {
  const found = parent.children.filter((child) => child.name === name);
  assert.is(found.length, 1, `${name} in ${parent.name}`);
  return found[0] as Element;
}

/** A document as RFC 4575 §5 has it. */
function read(document: string) {
  const root = readXml(document);
  assert.is(root.name, "conference-info");
  assert.is(root.attributes.get("xmlns"), "urn:ietf:params:xml:ns:conference-info");
  assert.is(root.attributes.get("state"), "full");
  assert.equal(
    root.children.map(({ name }) => name),
    ["conference-state", "users"],
    "in the order of the schema",
  );
  const state = only(root, "conference-state");
  const users = only(root, "users").children.map((user) => {
    const endpoint = only(user, "endpoint");
    assert.is(endpoint.attributes.get("entity"), user.attributes.get("entity"));
    assert.is(only(endpoint, "status").text, "connected");
    return user.attributes.get("entity");
  });
  return {
    entity: root.attributes.get("entity"),
    version: Number(root.attributes.get("version")),
    count: Number(only(state, "user-count").text),
    users,
  };
}

const textOf = (peer: Peer): string => {
  const notify = peer.last("NOTIFY");
  return notify?.kind === "request" ? new TextDecoder().decode(notify.body) : "";
};

test("a subscriber is told who is in the talkgroup, here and at other gateways, at once and after each change", async () => {
  const site = await openSite();
  const { clock, server } = site;
  server.remote("east", "zoe", { status: "available", talkgroups: ["ops", "fire"] });
  const alice = await openPhone(site, "alice");
  const watcher = alice.subscribe();
  await clock.advance(300);
  const bob = await openPhone(site, "bob", "10.0.0.3");
  const leaving = bob.subscribe();
  await clock.advance(300);
  server.remote("east", "zoe", { status: "available", talkgroups: ["fire"] });
  await clock.advance(300);
  leaving.close();
  await clock.advance(300);
  watcher.close();
  await clock.advance(300);

  const documents = alice.notified.map(read);
  const [zoe, here, there] = ["sip:zoe@example.org", "sip:alice@example.org", "sip:bob@example.org"];
  assert.equal(
    documents.map(({ users }) => users),
    [[zoe], [zoe, here], [zoe, here, there], [here, there], [here]],
  );
  for (const [index, { entity, version, count, users }] of documents.entries())
    assert.equal([entity, version, count], ["sip:ops@example.org", index, users.length]);
  await site.close();
});

test("changes at once are told together, and a user who is here and elsewhere is one", async () => {
  const site = await openSite();
  const { clock, server } = site;
  const alice = await openPhone(site, "alice");
  alice.subscribe();
  await clock.advance(300);
  const before = alice.notified.length;
  const there = { status: "available", talkgroups: ["ops"] };
  for (const user of ["alice", "x", "y", "z"]) server.remote("east", user, there);
  server.remote("west", "alice", there);
  server.remote("east", "x", undefined);
  await clock.advance(300);
  assert.is(alice.notified.length, before + 1);
  assert.equal(
    read(alice.notified.at(-1) ?? "").users,
    ["alice", "y", "z"].map((user) => `sip:${user}@example.org`),
  );
  server.remote("east", "alice", undefined);
  server.remote("west", "alice", undefined);
  await clock.advance(300);
  assert.ok(read(alice.notified.at(-1) ?? "").users.includes("sip:alice@example.org"), "here all the same");
  await site.close();
});

test("members of another talkgroup, and changes of it, are none of a subscriber's business", async () => {
  const site = await openSite();
  const { clock, server } = site;
  const bob = await openPhone(site, "bob");
  bob.subscribe();
  await clock.advance(300);
  const before = bob.notified.length;
  server.remote("east", "zoe", { status: "available", talkgroups: ["fire"] });
  (await openPhone(site, "alice", "10.0.0.3")).subscribe("fire");
  await clock.advance(1_000);
  assert.is(bob.notified.length, before);
  await site.close();
});

test("a refresh brings the full state, and keeps the session", async () => {
  const site = await openSite();
  const { clock, conference } = site;
  const alice = await openPhone(site, "alice");
  alice.subscribe();
  await clock.advance(300);
  const before = alice.notified.length;
  await clock.advance(600_000);
  assert.is(alice.notified.length, before + 1);
  const [earlier, last] = alice.notified.slice(-2).map(read);
  assert.equal([last?.version, last?.users], [(earlier?.version ?? 0) + 1, ["sip:alice@example.org"]]);
  assert.equal(conference.words(), ["provision 1-alice", "accept 1-alice"]);
  await site.close();
});

test("a poll is told who is there, once, and wants no session", async () => {
  const site = await openSite();
  site.server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
  const peer = await openPeer(site);
  for (let polls = 0; polls < 40; polls++) {
    const poll = {
      method: "SUBSCRIBE",
      callId: `poll-${polls}`,
      headers: ["Event: conference", "Expires: 0", `Contact: <${peer.contact}>`],
    };
    assert.is((await peer.ask(poll)).status, 200, `poll ${polls}`);
    const notify = peer.last("NOTIFY") ?? { headers: [] };
    assert.is(header(notify, "call-id"), `poll-${polls}`);
    assert.is(header(notify, "subscription-state"), "terminated;reason=timeout");
    assert.is(header(notify, "content-type"), "application/conference-info+xml");
    assert.equal(read(textOf(peer)).users, ["sip:zoe@example.org"]);
    peer.answer(peer.last("NOTIFY"), 200);
  }
  await site.clock.advance(1_000);
  assert.equal(site.asked, []);
  const timers = site.clock.pending();
  site.server.remote("east", "yan", { status: "available", talkgroups: ["ops"] });
  assert.is(site.clock.pending(), timers, "nobody is left to tell");
  await site.close();
});

test("the last word carries the last state, and nobody subscribes for longer than an hour", async () => {
  const site = await openSite();
  const peer = await openPeer(site);
  const subscribe = { method: "SUBSCRIBE", headers: ["Event: conference", `Contact: <${peer.contact}>`] };
  const response = await peer.ask({ ...subscribe, headers: [...subscribe.headers, "Expires: 100000"] });
  assert.is(header(response, "expires"), "3600");
  peer.answer(peer.last("NOTIFY"), 200);
  site.server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
  const toTag = /tag=(\w+)/.exec(header(response, "to") ?? "")?.[1];
  await peer.say({ ...subscribe, toTag, headers: [...subscribe.headers, "Expires: 0"] });
  assert.is(header(peer.last("NOTIFY") ?? { headers: [] }, "subscription-state"), "terminated;reason=timeout");
  assert.equal(read(textOf(peer)).users, ["sip:zoe@example.org"]);
  await site.close();
});

test("a subscriber that does not know its subscription any more, or is out of reach, has none, and no session", async () => {
  for (const status of [481, undefined]) {
    const site = await openSite();
    const { clock, conference, server } = site;
    const peer = await openPeer(site);
    const contact = `Contact: <${peer.contact}>`;
    assert.is((await peer.ask({ method: "SUBSCRIBE", headers: ["Event: conference", contact] })).status, 200);
    peer.answer(peer.last("NOTIFY"), 200);
    peer.answer(peer.last("INVITE"), 200, "an answer");
    await clock.advance(20);
    server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
    await clock.advance(120);
    if (status) peer.answer(peer.last("NOTIFY"), status);
    await clock.advance(33_000);
    assert.is(peer.last("BYE")?.kind, "request");
    assert.is(conference.words().at(-1), "release 1-alice");
    assert.is(site.told.at(-1), "alice: gone");
    await site.close();
  }
});

test("an account has 32 subscriptions at most, refused for the time being, and room again when one is over", async () => {
  const site = await openSite();
  const { clock, conference } = site;
  const peer = await openPeer(site);
  const subscribe = (number: number) => ({
    method: "SUBSCRIBE",
    callId: `call-${number}`,
    headers: ["Event: conference", `Contact: <${peer.contact}>`],
  });
  const tags: (string | undefined)[] = [];
  for (let number = 0; number < 32; number++) {
    const response = await peer.ask(subscribe(number));
    peer.answer(peer.last("NOTIFY"), 200);
    assert.is(response.status, 200);
    tags.push(/tag=(\w+)/.exec(header(response, "to") ?? "")?.[1]);
  }
  const refused = await peer.ask(subscribe(32));
  assert.equal([refused.status, header(refused, "retry-after")], [503, "30"]);
  assert.is((await (await openPeer(site, "bob", { host: "10.0.0.7", port: 5060 })).ask(subscribe(0))).status, 200);
  const over = { ...subscribe(7), toTag: tags[7], headers: ["Event: conference", "Expires: 0"] };
  assert.is((await peer.say(over)).status, 200);
  assert.is((await peer.ask(subscribe(32))).status, 200);
  assert.equal(conference.times().length, 2, "one session for all of them, and bob's");
  await clock.advance(100);
  await site.close();
});

test("a document tells how many there are even where it cannot list them all, and escapes what it must", () => {
  const users = Array.from({ length: 250 }, (_, number) => `sip:${number}@example.org`);
  const { content, type } = conferenceInfo("sip:a&b@example.org", users, 7);
  const { count, entity, version, users: listed } = read(content);
  assert.equal([count, entity, version, listed.length], [250, "sip:a&b@example.org", 7, 100]);
  assert.is(type, "application/conference-info+xml");
  assert.equal(read(conferenceInfo("sip:x", ["sip:\"<>&'@y"], 0).content).users, ["sip:\"<>&'@y"]);
  assert.equal(read(conferenceInfo("sip:x", [], 0).content).users, []);
});

test.run();
