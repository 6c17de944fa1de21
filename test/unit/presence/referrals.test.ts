import { test } from "uvu";
import * as assert from "uvu/assert";
import { accountBook, recordOf } from "../../../firmware/presence/accounts.ts";
import { header, type SipRequest } from "../../../firmware/sip/message.ts";
import { entries, entryOf, openSite, realm, type Site } from "./site.ts";
import { openPeer, openPhone, type Peer } from "./terminals.ts";

const soon = 1_000;
const decoder = new TextDecoder();
let count = 0;
const address = { host: "10.0.0.9", port: 5060 };

/** Alice has a bare terminal, bob and carol a phone each; alice is a dispatcher of ops. */
async function open() {
  const records = entries.map((entry) => recordOf(entry, realm));
  const accounts = accountBook(
    records.map((record) => ({
      ...record,
      memberships: record.memberships.map((each) =>
        record.user === "alice" && each.talkgroup === "ops" ? { ...each, role: "dispatcher" as const } : each,
      ),
    })),
    realm,
  );
  const site = await openSite({ accounts });
  const alice = await openPeer(site, "alice", address);
  const bob = await openPhone(site, "bob", "10.0.0.3");
  const carol = await openPhone(site, "carol", "10.0.0.4");
  bob.register();
  carol.register();
  await site.clock.advance(soon);
  return { site, alice, bob, carol, clock: site.clock, conference: site.conference };
}

async function refer(peer: Peer, to: string, at = "direct", body = "", more: readonly string[] = []): Promise<number> {
  count += 1;
  const { status } = await peer.ask({
    ...{ method: "REFER", uri: at, callId: `refer-${count}`, body },
    headers: [`Contact: <${peer.contact}>`, `Refer-To: <${to}>`, ...more],
  });
  return status;
}

/** The status lines that a bare terminal was told, each of which it confirms. */
function reports(peer: Peer): string[] {
  const notified = peer.raw.received.filter(
    (message): message is SipRequest => message.kind === "request" && message.method === "NOTIFY",
  );
  return [...new Map(notified.map((each) => [header(each, "cseq"), each])).values()].map((each) => {
    peer.answer(each, 200);
    return `${decoder.decode(each.body).trim()} ${header(each, "subscription-state")?.replace(/;.*/, "")}`;
  });
}

const listOf = (...users: readonly string[]): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${users
    .map((user) => `<entry uri="sip:${user}@${realm}"/>`)
    .join("")}</list></resource-lists>`;
const listHeaders = ["Require: multiple-refer", "Content-Type: application/resource-lists+xml", "Content-ID: <list>"];

test("who refers the server to somebody is called, and put through to them", async () => {
  const { site, alice, bob, clock, conference } = await open();
  assert.is(await refer(alice, `sip:bob@${realm}`), 202);
  await clock.advance(50);
  const invite = alice.last("INVITE");
  assert.match(header(invite ?? { headers: [] }, "from") ?? "", /^<sip:bob@example.org>/);
  alice.answer(invite, 200, "an answer");
  reports(alice);
  await clock.advance(soon);
  assert.equal(bob.callers(), ["alice"]);
  assert.equal(reports(alice), ["SIP/2.0 100 Trying active", "SIP/2.0 200 OK terminated"]);
  assert.is(conference.legs.size, 3, "carol's standing one beside the two");
  bob.hangUp();
  await clock.advance(soon);
  assert.is(alice.last("BYE")?.kind, "request");
  alice.answer(alice.last("BYE"), 200);
  await clock.advance(soon);
  await site.close();
});

test("who referred, and does not pick up, is told that nothing comes of it", async () => {
  const { site, alice, bob, clock, conference } = await open();
  bob.onInvite = "ring";
  assert.is(await refer(alice, `sip:bob@${realm}`), 202);
  await clock.advance(50);
  alice.answer(alice.last("INVITE"), 486);
  reports(alice);
  await clock.advance(soon);
  assert.equal(reports(alice).at(-1), "SIP/2.0 486 Busy Here terminated");
  assert.equal([bob.story, conference.calls.size], [["cancelled"], 0]);
  await site.close();
});

test("a session is borrowed when the call stands: until then its user would talk to nobody", async () => {
  const { site, alice, bob, clock, conference } = await open();
  bob.subscribe("direct");
  await clock.advance(soon);
  const moves = () => conference.words().filter((words) => words.startsWith("move"));
  assert.is(await refer(alice, `sip:bob@${realm}`), 202);
  await clock.advance(soon);
  assert.equal(moves(), [], "alice is still being called");
  alice.answer(alice.last("INVITE"), 486);
  await clock.advance(soon);
  assert.equal(moves(), [], "and does not come");
  assert.is(await refer(alice, `sip:bob@${realm}`), 202);
  await clock.advance(50);
  alice.answer(alice.last("INVITE"), 200, "an answer");
  await clock.advance(soon);
  assert.equal(
    moves().map((words) => words.replace(/\d+-/, "")),
    ["move bob"],
  );
  await site.close();
});

test("who has a session with the service of direct calls is not called: it is borrowed, and given back", async () => {
  const { site, alice, bob, clock, conference } = await open();
  bob.subscribe("direct");
  const phone = await openPhone(site, "alice", "10.0.0.6");
  phone.subscribe("direct");
  await clock.advance(soon);
  const [before, provisioned] = [bob.invites.length, conference.words().length];
  assert.equal(
    site.told.filter((each) => each.includes("direct")),
    [],
    "it is no talkgroup",
  );
  assert.is(await refer(alice, `sip:bob@${realm}`), 202);
  await clock.advance(soon);
  assert.equal(
    conference
      .words()
      .slice(provisioned)
      .map((words) => words.replace(/\d+-/, "")),
    ["talkgroup call/1", "move bob", "move alice"],
  );
  assert.is(bob.invites.length, before, "nobody is called");
  assert.is(site.stateOf("bob")?.status, "busy");
  assert.is(await refer(alice, `sip:carol@${realm}`), 202);
  await clock.advance(50);
  alice.answer(alice.last("INVITE"), 486);
  await clock.advance(soon);
  assert.equal(
    conference
      .words()
      .slice(provisioned + 3)
      .map((words) => words.replace(/\d+-/, "").replace(/\d/, "n"))
      .slice(0, 2),
    ["talkgroup call/n", "provision alice"],
    "what is borrowed already is not borrowed twice",
  );
  const later = conference.words().length;
  site.server.quiet("call/1");
  await clock.advance(soon);
  assert.equal(
    conference
      .words()
      .slice(later)
      .map((words) => words.replace(/\d+-/, "")),
    ["move alice", "move bob", "no-talkgroup call/1"],
  );
  assert.is(site.stateOf("bob")?.status, "available");
  phone.dial("bob");
  await clock.advance(soon);
  assert.is(conference.words().at(-1), "move 2-bob", "the next call borrows it again");
  bob.hangUp();
  await clock.advance(soon);
  assert.is(phone.story.at(-1), "hung up", "whose session ends is out of the call");
  await site.close();
});

test("a list of people becomes an ad hoc group of whoever can be called", async () => {
  const { site, alice, bob, carol, clock } = await open();
  const list = listOf("bob", "carol", "dave", "nobody");
  assert.is(await refer(alice, "cid:list", "direct", list, listHeaders), 202);
  await clock.advance(50);
  alice.answer(alice.last("INVITE"), 200, "an answer");
  await clock.advance(soon);
  assert.equal([bob.callers(), carol.callers()], [["alice"], ["ops", "alice"]]);
  bob.hangUp();
  await clock.advance(soon);
  assert.is(carol.story.filter((each) => each === "out of session").length, 0, "two are still in it");
  carol.hangUp();
  await clock.advance(soon);
  assert.is(alice.last("BYE")?.kind, "request");
  alice.answer(alice.last("BYE"), 200);
  reports(alice);
  await clock.advance(soon);
  await site.close();
});

test("whose account is taken away is out of an ad hoc group, which goes on without them", async () => {
  const { site, alice, bob, carol, clock } = await open();
  const list = listOf("bob", "carol");
  assert.is(await refer(alice, "cid:list", "direct", list, listHeaders), 202);
  await clock.advance(50);
  alice.answer(alice.last("INVITE"), 200, "an answer");
  await clock.advance(soon);
  for (const [user, phone] of [
    ["bob", bob],
    ["carol", carol],
  ] as const) {
    assert.is(alice.last("BYE"), undefined, `${user} is there still`);
    site.gone.add(user);
    site.server.account(user, "proof");
    await clock.advance(soon);
    assert.is(phone.story.at(-1), "out of session");
  }
  assert.is(alice.last("BYE")?.kind, "request");
  alice.answer(alice.last("BYE"), 200);
  reports(alice);
  await clock.advance(soon);
  await site.close();
});

test("where nobody can be called the reason is told, and a list that is none is refused", async () => {
  const { site, alice } = await open();
  assert.is(await refer(alice, `sip:bob@${realm}`, "carol"), 404, "what carol is asked for is not done for her");
  assert.is(await refer(alice, `sip:nobody@${realm}`), 404);
  assert.is(await refer(alice, "sip:bob@elsewhere.example"), 404);
  assert.is(await refer(alice, `sip:dave@${realm}`), 403);
  assert.is(await refer(alice, `sip:alice@${realm}`), 404, "oneself is nobody to be called");
  assert.is(await refer(alice, "cid:list", "direct", listOf("dave"), listHeaders), 403);
  assert.is(await refer(alice, "cid:list", "direct", "<not-a-list/>", listHeaders), 400);
  site.server.setStatus("bob", { status: "do-not-disturb" });
  assert.is(await refer(alice, `sip:bob@${realm}`), 480);
  await site.close();
});

test("a guest of a talkgroup is called in once, and is out of it with what the account allowed", async () => {
  const changes: readonly ((site: Site) => void)[] = [
    (site) => {
      site.accounts.remove("bob");
      site.server.account("bob", "proof");
    },
    (site) => {
      const elsewhere = recordOf(entryOf("bob", { talkgroups: ["fire"] }), realm);
      site.server.account("bob", site.accounts.put(elsewhere));
    },
    (site) => site.server.account("bob", site.accounts.put(recordOf(entryOf("bob", { talkgroups: ["ops"] }), realm))),
  ];
  for (const change of changes) {
    const { site, alice, bob, clock, conference } = await open();
    const before = conference.legs.size;
    assert.is(await refer(alice, `sip:bob@${realm}`, "ops"), 202);
    await clock.advance(soon);
    reports(alice);
    assert.is(conference.legs.size, before + 1);
    assert.is(await refer(alice, `sip:bob@${realm}`, "ops"), 486, "he is there already");
    change(site);
    await clock.advance(soon);
    assert.equal([bob.story.at(-1), conference.legs.size], ["out of session", before]);
    await site.close();
  }
});

test("a dispatcher calls a member into a talkgroup; nobody else does", async () => {
  const { site, alice, bob, clock, conference, told } = await open().then((all) => ({ ...all, told: all.site.told }));
  assert.is(await refer(alice, `sip:bob@${realm}`, "ops"), 202);
  await clock.advance(soon);
  assert.equal(bob.callers(), ["ops"]);
  assert.ok(told.includes("bob: ops"));
  const [leg] = conference.words().filter((words) => /provision \d+-bob/.test(words));
  assert.ok(leg);
  bob.hangUp();
  await clock.advance(soon);
  assert.is(told.at(-1), "bob: ");
  reports(alice);
  site.rules.set("alice", [{ action: "allow", users: ["dave"], talkgroups: [], everyone: false }]);
  site.rules.set("dave", [{ action: "allow", users: ["alice"], talkgroups: [], everyone: false }]);
  assert.is(await refer(alice, `sip:dave@${realm}`, "ops"), 403, "he is no member");
  const peer = await openPeer(site, "carol", { host: "10.0.0.8", port: 5060 });
  assert.is(await refer(peer, `sip:bob@${realm}`, "ops"), 403, "she is no dispatcher");
  await site.close();
});

test.run();
