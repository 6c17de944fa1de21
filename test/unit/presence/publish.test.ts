import { test } from "uvu";
import * as assert from "uvu/assert";
import { header } from "../../../firmware/sip/message.ts";
import { pidfOf, tagOf } from "../../support/presence-phone.ts";
import { openSite } from "./site.ts";
import { openCrew, openPeer } from "./terminals.ts";

const soon = 1_000;
const match = (tag: string) => ["sip-if-match", tag] as const;
const away = pidfOf("open", "<rpid:away/>");

async function open() {
  const site = await openSite();
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const bob = await openCrew(site, "bob", "10.0.0.3");
  alice.register();
  const seen = bob.watch("alice");
  await site.clock.advance(soon);
  return { site, alice, seen, clock: site.clock };
}

test("what a phone publishes is shown until it is changed, removed or expired", async () => {
  const { site, alice, seen, clock } = await open();
  const first = await alice.publish(away, [["expires", "100"]]);
  assert.equal([first.status, header(first, "expires")], [200, "100"]);
  await clock.advance(soon);
  assert.is(seen.last(), "open away");

  const refreshed = await alice.publish("", [["expires", "100"], match(tagOf(first))]);
  assert.equal([refreshed.status, tagOf(refreshed) === tagOf(first)], [200, false], "each answer has a new tag");
  await clock.advance(90_000);
  assert.is(seen.last(), "open away", "it was refreshed");

  const changed = await alice.publish(pidfOf("open", "<rpid:on-the-phone/>"), [
    ["expires", "100"],
    match(tagOf(refreshed)),
  ]);
  await clock.advance(soon);
  assert.is(seen.last(), "open on-the-phone");

  const removed = await alice.publish("", [["expires", "0"], match(tagOf(changed))]);
  assert.equal([removed.status, header(removed, "expires")], [200, "0"]);
  await clock.advance(soon);
  assert.is(seen.last(), "open");

  await alice.publish(pidfOf("closed"), [["expires", "60"]]);
  await clock.advance(soon);
  assert.is(seen.last(), "closed", "somebody who is there may say to be offline");
  await clock.advance(60_000);
  assert.is(seen.last(), "open", "until it expires");
  await site.close();
});

test("a tag that is not known, is used up or is another user's is refused with 412", async () => {
  const { site, alice, clock } = await open();
  const carol = await openCrew(site, "carol", "10.0.0.5");
  const first = await alice.publish(away, [["expires", "60"]]);
  await alice.publish("", [match(tagOf(first)), ["expires", "60"]]);
  const ofCarol = await carol.publish(away);
  for (const tag of ["unknown", tagOf(first), tagOf(ofCarol)])
    for (const document of ["", away]) assert.is((await alice.publish(document, [match(tag)])).status, 412);
  await clock.advance(61_000);
  assert.is((await alice.publish("", [match(tagOf(first))])).status, 412, "it is expired");
  assert.is((await carol.publish("", [match(tagOf(ofCarol))])).status, 200);
  await site.close();
});

test("two phones of one user: the one that spoke last is believed, and the other when that one is gone", async () => {
  const { site, alice, seen, clock } = await open();
  const desk = await alice.publish(away);
  const radio = await alice.publish(pidfOf("open", "<rpid:meeting/>", "in a meeting"));
  await clock.advance(soon);
  assert.is(seen.last(), "open busy: in a meeting");
  await alice.publish("", [match(tagOf(desk))]);
  await clock.advance(soon);
  assert.is(seen.last(), "open busy: in a meeting", "a refresh is no word");
  await alice.publish("", [["expires", "0"], match(tagOf(radio))]);
  await clock.advance(soon);
  assert.is(seen.last(), "open away");
  await site.close();
});

test("nothing that is published brings anybody online", async () => {
  const site = await openSite();
  const alice = await openCrew(site, "alice", "10.0.0.2");
  const bob = await openCrew(site, "bob", "10.0.0.3");
  const seen = bob.watch("alice");
  assert.is((await alice.publish(pidfOf("open"))).status, 200);
  await site.clock.advance(soon);
  assert.equal(seen.all(), ["closed"]);
  assert.is(site.stateOf("alice"), undefined);
  await site.close();
});

test("a publication that is nobody's, too brief, too long, or not understood is refused", async () => {
  const { site, alice, seen, clock } = await open();
  const status = async (...parts: Parameters<typeof alice.publish>) => (await alice.publish(...parts)).status;
  assert.is(await status(away, [], "bob"), 403);
  const other = await alice.publish(away, [["event", "dialog"]]);
  assert.equal([other.status, header(other, "allow-events")], [489, "presence"]);
  const brief = await alice.publish(away, [["expires", "30"]]);
  assert.equal([brief.status, header(brief, "min-expires")], [423, "60"]);
  assert.is(header(await alice.publish(away, [["expires", "99999"]]), "expires"), "3600");
  assert.is(header(await alice.publish(away), "expires"), "3600");
  assert.is(await status(""), 400);
  assert.is(await status("<presence/>"), 400);
  assert.is(await status(`<!DOCTYPE presence [<!ENTITY a "b">]>${away}`), 400);
  assert.is(await status(pidfOf("open", "", "x".repeat(20_000))), 413);
  assert.is(await status(away, [["content-encoding", "gzip"]]), 415);
  assert.is(await status(away, [match("a"), match("b")]), 400);
  assert.is(await status(away, [["expires", "0"]]), 200, "for no time at all");
  await clock.advance(soon);
  assert.is(seen.last(), "open away", "of all these only two were taken");

  const peer = await openPeer(site, "alice");
  const said = {
    method: "PUBLISH",
    uri: "alice",
    body: "hello",
    headers: ["Event: presence", "Content-Type: text/plain"],
  };
  const unread = await peer.ask(said);
  assert.equal([unread.status, header(unread, "accept")], [415, "application/pidf+xml"]);
  assert.is((await peer.say(said)).status, 401, "who publishes proves who they are");
  assert.is((await peer.ask({ ...said, headers: [] })).status, 489);
  await site.close();
});

test("a phone that publishes anew again and again, as if it forgot its tags, costs no more than ten", async () => {
  const { site, alice, clock } = await open();
  const before = clock.pending();
  const tags: string[] = [];
  for (let number = 0; number < 30; number++) tags.push(tagOf(await alice.publish(away)));
  await clock.advance(33_000);
  assert.ok(clock.pending() <= before + 11, `${clock.pending() - before} timers more`);
  assert.is((await alice.publish("", [match(tags[0] ?? "")])).status, 412);
  assert.is((await alice.publish("", [match(tags[29] ?? "")])).status, 200);
  await site.close();
});

test.run();
