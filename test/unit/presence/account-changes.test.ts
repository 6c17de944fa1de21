import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AccountEntry, recordOf } from "../../../firmware/presence/accounts.ts";
import { header } from "../../../firmware/sip/message.ts";
import { pidfOf } from "../../support/presence-phone.ts";
import { entryOf, openSite, realm, type Site } from "./site.ts";
import { openCrew, openPeer, openPhone } from "./terminals.ts";

/** The account is another one from now on, as its source would tell it. */
function change(site: Site, user: string, changes: Partial<AccountEntry>): void {
  const found = site.accounts.put(recordOf(entryOf(user, changes), realm));
  site.server.account(user, found);
}

function remove(site: Site, user: string): void {
  site.accounts.remove(user);
  site.server.account(user, "proof");
}

/** Everything that a user may have going: a terminal, a subscription, a session of it, and a call of their own. */
async function busy(user = "alice") {
  const site = await openSite();
  const phone = await openPhone(site, user);
  phone.register();
  phone.subscribe("fire");
  phone.dial("ops");
  await site.clock.advance(500);
  assert.equal(site.told.at(-1)?.split(": ")[1]?.split(" ").sort(), ["fire", "ops"]);
  return { site, phone, clock: site.clock, told: site.told, conference: site.conference };
}

const ends = {
  "is removed": (site: Site) => remove(site, "alice"),
  "has a new password": (site: Site) => change(site, "alice", { password: "another" }),
};

for (const [what, happens] of Object.entries(ends))
  test(`of a user who ${what} everything ends: terminals, subscriptions, sessions and calls`, async () => {
    const { site, phone, clock, told, conference } = await busy();
    happens(site);
    await clock.advance(300);
    assert.is(told.at(-1), "alice: gone");
    assert.equal([...conference.legs], []);
    assert.ok(phone.story.includes("out of session") && phone.story.includes("hung up"), phone.story.join());
    const notify = site.wire.sent.findLast(({ message }) => message.kind === "request" && message.method === "NOTIFY");
    assert.is(header(notify?.message ?? { headers: [] }, "subscription-state"), "terminated;reason=deactivated");
    // It tries again, and is challenged for as long as it does.
    await clock.advance(600_000);
    assert.is(told.at(-1), "alice: gone");
    await site.close();
  });

test("a new password is taken at once, and the old one no more; a user who was added is a user", async () => {
  const site = await openSite();
  const peer = await openPeer(site);
  const register = { method: "REGISTER" };
  assert.is((await peer.ask(register)).status, 200);
  change(site, "alice", { password: "another" });
  assert.is((await peer.ask(register)).status, 401);
  assert.is((await peer.ask(register, { password: "another" })).status, 200);
  const stranger = await openPeer(site, "zoe", { host: "10.0.0.8", port: 5060 });
  assert.is((await stranger.ask(register)).status, 401);
  change(site, "zoe", {});
  assert.is((await stranger.ask(register)).status, 200);
  await site.close();
});

test("who leaves one talkgroup keeps what they have in the others", async () => {
  const { site, phone, clock, told, conference } = await busy();
  change(site, "alice", { talkgroups: ["ops"] });
  await clock.advance(300);
  assert.is(told.at(-1), "alice: ops");
  assert.is(conference.legs.size, 1);
  assert.ok(phone.story.includes("out of session") && !phone.story.includes("hung up"), phone.story.join());
  const notify = site.wire.sent.findLast(({ message }) => message.kind === "request" && message.method === "NOTIFY");
  assert.is(header(notify?.message ?? { headers: [] }, "subscription-state"), "terminated;reason=rejected");
  change(site, "alice", { talkgroups: [] });
  await clock.advance(300);
  assert.is(told.at(-1), "alice: ", "registered, and in no talkgroup");
  assert.ok(phone.story.includes("hung up"));
  await site.close();
});

test("with other rights in a talkgroup the session is set up anew, and the user's own call ends", async () => {
  for (const changes of [{ priority: 9 }, { listenOnly: ["fire", "ops"] }, { noPreempt: ["fire", "ops"] }]) {
    const { site, phone, clock, told } = await busy();
    const before = site.asked.length;
    change(site, "alice", changes);
    await clock.advance(500);
    const provisions = site.asked
      .slice(before)
      .flatMap(({ command }) => (command.type === "provision" ? [command.options] : []));
    assert.equal(
      provisions.map(({ talkgroup, mayTalk, priority, mayPreempt }) => [talkgroup, mayTalk, priority, mayPreempt]),
      [["fire", !("listenOnly" in changes), "priority" in changes ? 9 : 3, !("noPreempt" in changes)]],
    );
    assert.is(told.at(-1), "alice: fire");
    assert.ok(phone.story.includes("hung up"));
    await site.close();
  }
});

test("who becomes a dispatcher keeps their session, and is one at once", async () => {
  const { site, phone, clock } = await busy();
  const before = site.asked.length;
  change(site, "alice", { dispatcher: ["fire"], noPreempt: [] });
  await clock.advance(500);
  assert.equal([site.asked.length, phone.story.includes("hung up")], [before, false]);
  const { dispatches, listenOnly, noPreempt } = site.accounts.find("alice") ?? {};
  assert.equal([dispatches, listenOnly, noPreempt], [new Set(["fire"]), new Set(), new Set()]);
  await site.close();
});

test("a priority of a talkgroup's own is that of the session there", async () => {
  const site = await openSite();
  const record = recordOf(entryOf("carol", { standing: ["ops", "fire"] }), realm);
  const memberships = record.memberships.map((each) => (each.talkgroup === "fire" ? { ...each, priority: 200 } : each));
  site.server.account("carol", site.accounts.put({ ...record, memberships }));
  const phone = await openPhone(site, "carol");
  phone.register();
  await site.clock.advance(500);
  const asked = site.asked.flatMap(({ command }) => (command.type === "provision" ? [command.options] : []));
  assert.equal(
    asked.map(({ talkgroup, priority }) => [talkgroup, priority]),
    [
      ["ops", 3],
      ["fire", 200],
    ],
  );
  await site.close();
});

test("a talkgroup that becomes standing is called at once, and one that is so no more is hung up", async () => {
  const site = await openSite();
  const phone = await openPhone(site);
  phone.register();
  await site.clock.advance(500);
  assert.equal(site.told, ["alice: "]);
  change(site, "alice", { standing: ["fire"] });
  await site.clock.advance(500);
  assert.is(site.told.at(-1), "alice: fire");
  change(site, "alice", { standing: ["ops"] });
  await site.clock.advance(500);
  assert.is(site.told.at(-1), "alice: ops");
  assert.equal(
    phone.invites.map((invite) => header(invite, "from")?.slice(0, 9)),
    ["<sip:fire", "<sip:ops@"],
  );
  // What comes next of the terminal is of the account as it is now.
  change(site, "alice", {});
  await site.clock.advance(400_000);
  assert.is(site.told.at(-1), "alice: ");
  await site.close();
});

test("a change that changes nothing here disturbs nobody", async () => {
  const { site, phone, clock, told } = await busy();
  const [last, words, asked] = [told.at(-1), told.length, site.asked.length];
  change(site, "alice", {});
  change(site, "bob", { priority: 200 });
  remove(site, "bob");
  await clock.advance(1_000);
  // The federation passes over what is as before.
  assert.equal([...new Set(told.slice(words))], [last]);
  assert.equal([site.asked.length, phone.story.includes("hung up")], [asked, false]);
  await site.close();
});

test("a talkgroup is there from when it is added until it is removed", async () => {
  const site = await openSite();
  change(site, "alice", { talkgroups: ["ops", "sea"] });
  const peer = await openPeer(site);
  const subscribe = {
    method: "SUBSCRIBE",
    headers: ["Event: conference", "Expires: 0", "Contact: <sip:alice@10.0.0.9>"],
  };
  const statusOf = async () => (await peer.ask({ ...subscribe, uri: "sea" }, { uri: `sip:sea@${realm}` })).status;
  assert.is(await statusOf(), 404);
  site.server.talkgroup("sea", true);
  assert.is(await statusOf(), 200);
  site.server.talkgroup("sea", false);
  assert.is(await statusOf(), 404);
  await site.close();
});

for (const [what, happens] of Object.entries(ends))
  test(`of a user who ${what} the presence ends that they watched and published`, async () => {
    const site = await openSite();
    const { clock, wire } = site;
    const alice = await openCrew(site, "alice", "10.0.0.2");
    const bob = await openCrew(site, "bob", "10.0.0.3");
    for (const crew of [alice, bob]) crew.register();
    await alice.publish(pidfOf("open", "<rpid:away/>", "back at 3"));
    const seen = bob.watch("alice");
    const [single, list] = [alice.watch("bob"), alice.buddies()];
    await clock.advance(1_000);
    assert.is(seen.last(), "open away: back at 3");
    assert.equal([single.last(), list.last()], ["open", "bob open"]);
    const before = wire.sent.length;
    happens(site);
    await clock.advance(1_000);
    const ended = wire.sent.slice(before).flatMap(({ message }) => {
      const state = message.kind === "request" && message.method === "NOTIFY" && header(message, "subscription-state");
      return state === "terminated;reason=deactivated" ? [header(message, "event")] : [];
    });
    assert.equal(ended, ["presence", "presence"]);
    assert.is(single.last(), "closed", "the last word says nothing of bob");
    assert.is(list.last(), "");
    assert.is(seen.last() ?? "closed", "closed");
    await site.close();
  });

test("who comes into a talkgroup is seen there at once, and who leaves it no more", async () => {
  const site = await openSite();
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const dave = await openCrew(site, "dave", "10.0.0.4");
  for (const crew of [alice, dave]) crew.register();
  const list = alice.buddies();
  await site.clock.advance(1_000);
  assert.is(list.last(), "");
  change(site, "dave", { talkgroups: ["ops"] });
  await site.clock.advance(1_000);
  assert.is(list.last(), "dave open");
  change(site, "dave", { talkgroups: ["idle"] });
  await site.clock.advance(1_000);
  assert.is(list.last(), "");
  await site.close();
});

test.run();
