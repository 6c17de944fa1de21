import { test } from "uvu";
import * as assert from "uvu/assert";
import { header } from "../../../firmware/sip/message.ts";
import { listOf } from "../../support/presence-documents.ts";
import { listWords, pidfOf, type Seen, tagOf } from "../../support/presence-phone.ts";
import { openSite } from "./site.ts";
import { openCrew, openPeer } from "./terminals.ts";

const soon = 1_000;
const blocking = (user: string) => [{ action: "block", users: [user], talkgroups: [], everyone: false }] as const;
const versions = ({ notified }: Seen): number[] => notified.map(listOf).map(({ version }) => version);

async function open() {
  const site = await openSite();
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const bob = await openCrew(site, "bob", "10.0.0.3");
  const carol = await openCrew(site, "carol", "10.0.0.4");
  return { site, alice, bob, carol, clock: site.clock };
}

test("the list is of the active ones whom a user may talk with, and changes within a second", async () => {
  const { site, alice, bob, carol, clock } = await open();
  const list = alice.buddies();
  await clock.advance(100);
  assert.equal([list.states, list.all()], [["active"], [""]], "nobody is there, and alice is no buddy of hers");
  const [first] = list.notified;
  assert.equal(
    list.notified.map(listOf).map(({ uri }) => uri),
    ["sip:buddies@example.org"],
  );
  assert.is(header(first ?? { headers: [] }, "require"), "eventlist");

  const registration = bob.register();
  await clock.advance(soon);
  carol.register();
  alice.register();
  await clock.advance(soon);
  const said = await carol.publish(pidfOf("open", "<rpid:away/>", "lunch"));
  await clock.advance(soon);
  site.server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
  await clock.advance(soon);
  void registration.close();
  await clock.advance(soon);
  await carol.publish(pidfOf("closed"), [["sip-if-match", tagOf(said)]]);
  await clock.advance(soon);
  assert.equal(list.all(), [
    "",
    "bob open",
    "bob open, carol open",
    "bob open, carol open away: lunch",
    "bob open, carol open away: lunch, zoe open",
    "carol open away: lunch, zoe open",
    "zoe open",
  ]);
  assert.equal(
    versions(list),
    list.notified.map((_, index) => index),
    "each one more than the one before",
  );
  await site.close();
});

test("nobody is in the list of somebody whom they block, or who blocks them, and each has the own list", async () => {
  const { site, alice, bob, carol, clock } = await open();
  const dave = await openCrew(site, "dave", "10.0.0.5");
  for (const crew of [alice, bob, carol, dave]) crew.register();
  await clock.advance(100);
  site.rules.set("alice", blocking("bob"));
  const lists = [alice, bob, carol, dave].map((crew) => crew.buddies());
  await clock.advance(soon);
  const last = () => lists.map((list) => list.last());
  assert.equal(last(), ["carol open", "carol open", "alice open, bob open", ""]);

  site.rules.set("alice", []);
  site.rules.set("carol", [{ action: "allow", users: ["dave"], talkgroups: [], everyone: false }]);
  site.rules.set("dave", [{ action: "allow", users: ["carol"], talkgroups: [], everyone: false }]);
  for (const user of ["alice", "carol", "dave"]) site.server.reconsider(user);
  await clock.advance(soon);
  const sorted = last().map((words) => words.split(", ").toSorted().join(", "));
  assert.equal(sorted, [
    "bob open, carol open",
    "alice open, carol open",
    "alice open, bob open, dave open",
    "carol open",
  ]);
  await site.close();
});

test("nobody hears of what is none of their business", async () => {
  const { site, alice, bob, carol, clock } = await open();
  const dave = await openCrew(site, "dave", "10.0.0.5");
  const [ofDave, ofBob] = [dave.buddies(), bob.buddies()];
  site.rules.set("carol", blocking("bob"));
  await clock.advance(soon);
  carol.register();
  site.server.setStatus("carol", { status: "do-not-disturb" });
  await clock.advance(soon);
  assert.equal([ofDave.all(), ofBob.all()], [[""], [""]]);
  alice.register();
  await clock.advance(soon);
  assert.equal([ofDave.all(), ofBob.all()], [[""], ["", "alice open"]]);
  await site.close();
});

test("changes at once are told together, and a refresh brings the whole list", async () => {
  const { site, alice, clock } = await open();
  const list = alice.buddies(100);
  await clock.advance(soon);
  for (let number = 0; number < 20; number++)
    site.server.remote("east", `zoe-${number}`, { status: "available", talkgroups: ["ops"] });
  await clock.advance(soon);
  assert.equal(
    list.notified.map(listOf).map(({ people }) => people.size),
    [0, 20],
  );
  await clock.advance(80_000);
  assert.equal(versions(list), [0, 1, 2]);
  assert.is(list.all()[1], list.all()[2]);
  await site.close();
});

test("while a NOTIFY is unanswered the next one waits, and no version is left out", async () => {
  const { site, alice, bob, clock } = await open();
  const list = alice.buddies();
  await clock.advance(soon);
  site.wire.network.setLoss(1);
  bob.register();
  site.server.remote("east", "zoe", { status: "available", talkgroups: ["ops"] });
  await clock.advance(2_000);
  site.server.remote("east", "yan", { status: "available", talkgroups: ["ops"] });
  await clock.advance(2_000);
  site.server.remote("east", "xia", { status: "available", talkgroups: ["ops"] });
  await clock.advance(2_000);
  site.wire.network.setLoss(0);
  await clock.advance(10_000);
  assert.equal(versions(list), [0, 1, 2]);
  assert.match(list.last(), /zoe open, yan open, xia open/);
  await site.close();
});

test("a list is a poll too, and its last word is the list", async () => {
  const { site, alice, bob, clock } = await open();
  bob.register();
  const list = alice.buddies();
  await clock.advance(soon);
  list.close();
  await clock.advance(100);
  const last = site.wire.sent.findLast(({ message }) => message.kind === "request" && message.method === "NOTIFY");
  if (last?.message.kind !== "request") throw new Error("no NOTIFY");
  assert.is(header(last.message, "subscription-state"), "terminated;reason=timeout");
  assert.equal([listWords(listOf(last.message)), listOf(last.message).version], ["bob open", 1]);
  const peer = await openPeer(site, "carol");
  const headers = ["Event: presence", "Expires: 0", "Supported: eventlist", `Contact: <${peer.contact}>`];
  const response = await peer.ask({ method: "SUBSCRIBE", uri: "buddies", headers });
  assert.equal([response.status, header(response, "require")], [200, "eventlist"]);
  const notify = peer.last("NOTIFY");
  if (notify?.kind !== "request") throw new Error("no NOTIFY");
  assert.is(listWords(listOf(notify)), "bob open");
  peer.answer(notify, 200);
  await site.close();
});

test("who does not know lists is told that this is one", async () => {
  const { site } = await open();
  const peer = await openPeer(site, "carol");
  const subscribe = (...headers: readonly string[]) =>
    peer.ask({
      ...{ method: "SUBSCRIBE", uri: "buddies" },
      headers: ["Event: presence", `Contact: <${peer.contact}>`, ...headers],
    });
  const response = await subscribe("Supported: 100rel");
  assert.equal([response.status, header(response, "require")], [421, "eventlist"]);
  assert.is((await subscribe("Require: eventlist")).status, 200);
  peer.answer(peer.last("NOTIFY"), 200);
  await site.close();
});

test.run();
