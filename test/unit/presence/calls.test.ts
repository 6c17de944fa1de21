import { test } from "uvu";
import * as assert from "uvu/assert";
import { header } from "../../../firmware/sip/message.ts";
import { except, openSite } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

const soon = 1_000;
const block = (action: "block" | "polite-block", user: string) =>
  [{ action, users: [user], talkgroups: [], everyone: false }] as const;

/** Alice, bob and carol are registered, each with a phone. */
async function open() {
  const site = await openSite();
  const alice = await openPhone(site, "alice", "10.0.0.2");
  const bob = await openPhone(site, "bob", "10.0.0.3");
  const dave = await openPhone(site, "dave", "10.0.0.4");
  for (const phone of [alice, bob, dave]) phone.register();
  await site.clock.advance(soon);
  const statusOf = (user: string) => site.stateOf(user)?.status;
  return { site, alice, bob, dave, clock: site.clock, conference: site.conference, statusOf };
}

test("a user who calls another is put through to their phone, which picks up by itself, until either hangs up", async () => {
  for (const who of ["caller", "callee"] as const) {
    const { site, alice, bob, clock, conference, statusOf } = await open();
    const session = alice.dial("bob");
    await clock.advance(soon);
    assert.equal(conference.words(), ["talkgroup call/1", "provision 1-alice", "provision 2-bob", "accept 2-bob"]);
    assert.equal(alice.story, ["answer of 1-alice"]);
    assert.equal(bob.callers(), ["alice"]);
    const [invite] = bob.invites;
    assert.is(header(invite ?? { headers: [] }, "answer-mode"), "Auto");
    assert.equal([statusOf("alice"), statusOf("bob")], ["busy", "busy"]);
    if (who === "caller") session.end();
    else bob.hangUp();
    await clock.advance(soon);
    assert.equal(bob.story.at(-1), who === "caller" ? "out of session" : "in session");
    assert.equal(alice.story.at(-1), who === "caller" ? "answer of 1-alice" : "hung up");
    assert.equal([statusOf("alice"), statusOf("bob")], ["available", "available"]);
    assert.equal([...conference.legs, ...conference.calls], []);
    await site.close();
  }
});

test("a call in which nobody talks for too long is hung up on", async () => {
  const { site, alice, bob, clock } = await open();
  alice.dial("bob");
  await clock.advance(soon);
  site.server.quiet("ops");
  await clock.advance(soon);
  assert.is(alice.story.at(-1), "answer of 1-alice", "what a talkgroup does is nothing to a call");
  site.server.quiet("call/1");
  await clock.advance(soon);
  assert.equal([alice.story.at(-1), bob.story.at(-1)], ["hung up", "out of session"]);
  await site.close();
});

test("a phone that has to be picked up rings, and the caller is told; who gives up stops it", async () => {
  const { site, alice, bob, clock, statusOf } = await open();
  bob.onInvite = "ring";
  const first = alice.dial("bob");
  await clock.advance(soon);
  assert.equal(alice.story, ["180"]);
  first.end();
  await clock.advance(soon);
  assert.equal(bob.story, ["cancelled"]);
  alice.dial("bob");
  await clock.advance(soon);
  bob.pickUp();
  await clock.advance(soon);
  assert.equal([alice.story.at(-1), bob.story.at(-1)], ["answer of 3-alice", "in session"]);
  assert.is(statusOf("bob"), "busy");
  await site.close();
});

test("nobody picks up within a minute: the caller is told that they are not available", async () => {
  const { site, alice, bob, clock } = await open();
  bob.onInvite = "ring";
  alice.dial("bob");
  await clock.advance(59_000);
  assert.equal(alice.story, ["180"]);
  await clock.advance(3_000);
  assert.equal([alice.story, bob.story], [["180", "refused: 480"], ["cancelled"]]);
  await site.close();
});

test("why somebody cannot be called is told by the status, before a phone rings", async () => {
  const { site, alice, bob, clock } = await open();
  const peer = await openPeer(site, "alice", { host: "10.0.0.9", port: 5060 });
  const dialled = async (user: string): Promise<string> => {
    const response = await peer.ask({
      ...{ method: "INVITE", uri: user, callId: `${user}-${clock.now()}`, body: "an offer" },
      headers: [`Contact: <${peer.contact}>`, "Content-Type: application/sdp"],
    });
    return `${response.status} ${header(response, "reason") ?? ""}`.trim();
  };
  assert.is(await dialled("nobody"), "404");
  assert.is(await dialled("alice"), `486 SIP;cause=486;text="the caller's own line"`);
  assert.is(await dialled("dave"), "403", "they share no talkgroup");
  assert.is(await dialled("carol"), `480 SIP;cause=480;text="not available"`, "she is nowhere");
  site.rules.set("bob", block("block", "alice"));
  assert.is(await dialled("bob"), "403");
  site.rules.set("bob", block("polite-block", "alice"));
  assert.is(await dialled("bob"), `480 SIP;cause=480;text="not available"`, "as if he were nowhere");
  site.rules.set("bob", []);
  site.rules.set("alice", block("block", "bob"));
  assert.is(await dialled("bob"), "403", "who blocks somebody does not call them");
  site.rules.set("alice", []);
  site.server.setStatus("bob", { status: "do-not-disturb" });
  assert.is(await dialled("bob"), `480 SIP;cause=480;text="do not disturb"`);
  site.server.setStatus("bob", { status: "busy" });
  assert.is(await dialled("bob"), "486");
  site.server.setStatus("bob", undefined);
  const refused = site.logged.flatMap(({ fields }) => ("status" in fields && "users" in fields ? [fields.status] : []));
  assert.equal(refused, [404, 486, 403, 480, 403, 480, 403, 480, 486], "and the log tells each");
  assert.equal(bob.invites, []);
  bob.onInvite = 486;
  alice.dial("bob");
  await clock.advance(soon);
  bob.onInvite = 603;
  alice.dial("bob");
  await clock.advance(soon);
  bob.onInvite = 488;
  alice.dial("bob");
  await clock.advance(soon);
  assert.equal(alice.story, ["refused: 486", "refused: 480", "refused: 488"], "what the phone itself says");
  await site.close();
});

test("who is in a call is busy for a third", async () => {
  const { site, alice, bob, clock } = await open();
  const carol = await openPhone(site, "carol", "10.0.0.6");
  alice.dial("bob");
  await clock.advance(soon);
  carol.dial("alice");
  carol.dial("bob");
  await clock.advance(soon);
  assert.equal(carol.story, ["refused: 486", "refused: 486"]);
  assert.is(bob.invites.length, 1);
  await site.close();
});

test("every phone of the callee rings, those that are preferred first; the first that is picked up has the call", async () => {
  const { site, alice, bob, clock, conference } = await open();
  const second = await openPhone(site, "bob", "10.0.0.7");
  second.register();
  const last = await openPeer(site, "bob", { host: "10.0.0.8", port: 5060 });
  await last.ask({ method: "REGISTER", headers: [`Contact: <${last.contact}>;q=0.5`, "Expires: 300"] });
  await clock.advance(soon);
  for (const phone of [bob, second]) phone.onInvite = "ring";
  alice.dial("bob");
  await clock.advance(soon);
  second.pickUp();
  await clock.advance(soon);
  assert.equal([bob.story, second.story, last.last("INVITE")], [["cancelled"], ["in session"], undefined]);
  assert.equal([...conference.legs].length, 2, "the legs of those who did not pick up are given back");
  second.hangUp();
  for (const phone of [bob, second]) phone.onInvite = 486;
  await clock.advance(soon);
  alice.dial("bob");
  await clock.advance(soon);
  assert.is(last.last("INVITE")?.kind, "request", "the next ones are called when all of the first have refused");
  last.answer(last.last("INVITE"), 480);
  await clock.advance(soon);
  assert.is(alice.story.at(-1), "refused: 486");
  await site.close();
});

test("what the conference server refuses, or loses, ends the call at both sides", async () => {
  const { site, alice, bob, clock, conference } = await open();
  conference.reply = except("accept", ({ type, ...command }) =>
    "leg" in command ? [{ type: "refused", leg: command.leg, status: 488, reason: type }] : [],
  );
  alice.dial("bob");
  await clock.advance(soon);
  assert.equal(alice.story, ["refused: 488"]);
  assert.is(bob.story.at(-1), "out of session");
  conference.reply = except("provision", (command) =>
    command.type === "provision"
      ? [{ type: "refused", leg: command.options.leg, status: 503, reason: "no ports" }]
      : [],
  );
  alice.dial("bob");
  await clock.advance(soon);
  assert.is(alice.story.at(-1), "refused: 503");
  await site.close();
});

test("a call ends with the account of who is in it", async () => {
  const { site, alice, bob, clock } = await open();
  alice.dial("bob");
  await clock.advance(soon);
  site.gone.add("bob");
  site.server.account("bob", "proof");
  await clock.advance(soon);
  assert.is(alice.story.at(-1), "hung up");
  assert.is(bob.story.at(-1), "out of session");
  await site.close();
});

test("nobody opens calls without end", async () => {
  const crew = ["first", "second", "third", "fourth", "fifth"];
  const site = await openSite({ crew });
  const alice = await openPhone(site, "alice", "10.0.0.2");
  for (const [index, user] of crew.entries()) {
    const phone = await openPhone(site, user, `10.0.0.${20 + index}`);
    phone.register();
    phone.onInvite = "ring";
  }
  await site.clock.advance(soon);
  for (const user of crew) alice.dial(user);
  await site.clock.advance(soon);
  assert.equal([...alice.story].sort(), ["180", "180", "180", "180", "refused: 486"]);
  await site.close();
});

test("a feature code says something of its user, and is answered with a tone", async () => {
  const { site, alice, clock, conference, statusOf } = await open();
  alice.dial("*78");
  await clock.advance(500);
  assert.is(statusOf("alice"), "do-not-disturb");
  assert.equal(conference.words(), ["provision 1-alice", "tone 1-alice"]);
  await clock.advance(3_000);
  assert.equal([alice.story, conference.legs.size], [["answer of 1-alice", "hung up"], 0]);
  alice.dial("*77");
  await clock.advance(soon);
  assert.is(statusOf("alice"), "listening-only");
  alice.dial("*79");
  await clock.advance(soon);
  assert.is(statusOf("alice"), "available");
  const said = site.logged.flatMap(({ fields }) => ("code" in fields ? [fields.code] : []));
  assert.equal(said, ["*78", "*77", "*79"]);
  await site.close();
});

test.run();
