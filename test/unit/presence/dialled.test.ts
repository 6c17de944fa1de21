import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSite, willing } from "./site.ts";
import { openPeer, openPhone } from "./terminals.ts";

const leg = "1-alice";

async function open() {
  const site = await openSite();
  return { ...site, site, phone: await openPhone(site) };
}

test("a terminal that calls a talkgroup gets the conference server's answer, and is in the talkgroup until it hangs up", async () => {
  const { site, phone, asked, told, conference, clock } = await open();
  const session = phone.dial();
  await clock.advance(200);
  const options = {
    leg,
    talkgroup: "ops",
    user: "sip:alice@example.org",
    mayTalk: true,
    mayPreempt: true,
    priority: 3,
  };
  assert.equal(
    asked.map(({ command }) => command),
    [{ type: "provision", options, offer: "an offer" }],
  );
  assert.equal(phone.story, [`answer of ${leg}`]);
  assert.equal(told, ["alice: ops"]);
  session.end();
  await clock.advance(200);
  assert.is(conference.words().at(-1), `release ${leg}`);
  assert.equal(told, ["alice: ops", "alice: gone"]);
  const [user, talkgroup] = ["alice", "ops"];
  assert.equal(
    site.logged.map(({ fields }) => fields),
    [
      { event: "joined", user, talkgroup },
      { event: "left", user, talkgroup },
    ],
  );
  await site.close();
});

test("a caller who gives up before the answer leaves no leg, and the late answer is nobody's", async () => {
  const { site, phone, told, conference, clock } = await open();
  conference.reply = () => [];
  const session = phone.dial();
  await clock.advance(300);
  session.end();
  await clock.advance(100);
  assert.equal(conference.words(), [`provision ${leg}`, `release ${leg}`]);
  conference.tell({ type: "answer", leg, sdp: "late" });
  conference.tell({ type: "ready", leg });
  await clock.advance(1_000);
  assert.equal([phone.story, told], [[], []]);
  await site.close();
});

test("what the conference server refuses, the caller is told", async () => {
  const { site, phone, told, conference, clock } = await open();
  conference.reply = () => [{ type: "refused", leg, status: 488, reason: "no codec in common" }];
  phone.dial();
  await clock.advance(200);
  assert.equal([phone.story, told], [["refused: 488"], []]);
  assert.equal(conference.words(), [`provision ${leg}`], "there is no leg to give back");
  await site.close();
});

test("a leg that is refused after its answer, or lost, is hung up on", async () => {
  for (const event of [
    { type: "refused", leg, status: 503, reason: "no room in the talkgroup" },
    { type: "lost", leg },
  ] as const) {
    const { site, phone, told, conference, clock } = await open();
    phone.dial();
    await clock.advance(200);
    conference.tell(event);
    await clock.advance(200);
    assert.equal(phone.story, [`answer of ${leg}`, "hung up"], event.type);
    assert.equal(told, ["alice: ops", "alice: gone"]);
    await site.close();
  }
});

test("a call that the conference server never answers is given up after three minutes", async () => {
  const { site, phone, conference, clock } = await open();
  conference.reply = () => [];
  phone.dial();
  await clock.advance(179_000);
  assert.equal(phone.story, []);
  await clock.advance(2_000);
  assert.match(phone.story.join(), /^refused: 4[08][08]$/);
  assert.is(conference.legs.size, 0);
  await site.close();
});

test("a call to nobody, or to where the caller may not be, is refused and no leg provisioned", async () => {
  const { site, clock, asked } = await open();
  const bob = await openPhone(site, "bob", "10.0.0.3");
  bob.dial("nobody");
  await clock.advance(200);
  bob.dial("fire");
  await clock.advance(200);
  assert.equal(bob.story, ["refused: 404", "refused: 403"]);
  assert.equal(asked, []);
  await site.close();
});

test("a call without a proof is challenged, and no leg provisioned", async () => {
  const { site, asked } = await open();
  const peer = await openPeer(site);
  assert.is((await peer.say({ method: "INVITE", body: "an offer" })).status, 401);
  assert.equal(asked, []);
  await site.clock.advance(33_000);
  assert.is(site.wire.count("10.0.0.1", 401), 1, "a forged sender is not hit again and again");
  await site.close();
});

test("a terminal has ten calls at most, answered or not, and room again when one is over", async () => {
  const { site, phone, conference, clock } = await open();
  const sessions = [];
  for (let call = 0; call < 10; call++) {
    conference.reply = call < 5 ? willing : () => [];
    sessions.push(phone.dial());
    await clock.advance(100);
  }
  phone.dial();
  await clock.advance(100);
  assert.is(phone.story.at(-1), "refused: 486");
  sessions[0]?.end();
  sessions[9]?.end();
  await clock.advance(100);
  phone.dial();
  phone.dial();
  await clock.advance(100);
  assert.is(conference.times().length, 12);
  await site.close();
});

test("a terminal that hangs up as it is answered leaves nothing behind", async () => {
  for (let at = 0; at <= 30; at += 3) {
    const { site, phone, told, conference, clock } = await open();
    const session = phone.dial();
    await clock.advance(at);
    session.end();
    await clock.advance(40_000);
    assert.is(conference.legs.size, 0, `after ${at} ms`);
    assert.ok(told.length === 0 || told.at(-1) === "alice: gone", `after ${at} ms: ${told}`);
    await site.close();
  }
});

test("a call and a session of the same user are two, and the user is there until both are over", async () => {
  const { site, phone, told, conference, clock } = await open();
  const watcher = phone.subscribe();
  const call = phone.dial();
  await clock.advance(200);
  assert.is(conference.legs.size, 2);
  call.end();
  await clock.advance(200);
  assert.is(told.at(-1), "alice: ops");
  watcher.close();
  await clock.advance(200);
  assert.is(told.at(-1), "alice: gone");
  await site.close();
});

test.run();
