import { test } from "uvu";
import * as assert from "uvu/assert";
import { openSite } from "./site.ts";
import { openPhone } from "./terminals.ts";

const soon = 1_000;

/** Alice and dave are registered; what is asked of the log waits for `over`. */
async function open() {
  const asked: { readonly leg: string; readonly talkgroups: readonly string[] }[] = [];
  let over: (played: boolean) => void = () => {};
  const site = await openSite({
    recordings: {
      last(leg, talkgroups, onOver) {
        asked.push({ leg, talkgroups });
        over = onOver;
      },
    },
  });
  const alice = await openPhone(site, "alice", "10.0.0.2");
  const dave = await openPhone(site, "dave", "10.0.0.4");
  for (const phone of [alice, dave]) phone.register();
  await site.clock.advance(soon);
  return {
    site,
    alice,
    dave,
    asked,
    clock: site.clock,
    conference: site.conference,
    over: (how: boolean) => over(how),
  };
}

test("*75 plays the last burst of the caller's own talkgroups into a call of its own, and hangs up", async () => {
  const { site, alice, asked, clock, conference, over } = await open();
  alice.dial("*75");
  await clock.advance(soon);
  assert.equal(asked, [{ leg: "1-alice", talkgroups: ["ops", "fire"] }]);
  const [provision] = site.asked;
  assert.ok(provision?.command.type === "provision" && provision.command.options.talkgroup === undefined, "in no call");
  await clock.advance(20_000);
  assert.equal(alice.story, ["answer of 1-alice"]);
  over(true);
  await clock.advance(soon);
  assert.equal([alice.story.at(-1), conference.legs.size], ["hung up", 0]);
  assert.equal(conference.words(), ["provision 1-alice", "release 1-alice"]);
  over(true);
  await site.close();
});

test("a tone says that nothing is recorded yet", async () => {
  const { site, alice, clock, conference, over } = await open();
  alice.dial("*75");
  await clock.advance(soon);
  over(false);
  await clock.advance(soon);
  assert.equal(conference.words(), ["provision 1-alice", "tone 1-alice"]);
  await clock.advance(soon);
  assert.is(alice.story.at(-1), "hung up");
  await site.close();
});

test("who talks in a talkgroup of the caller's ends it, and nobody else does", async () => {
  const { site, alice, dave, clock, conference, over } = await open();
  alice.dial("*75");
  dave.dial("*75");
  await clock.advance(soon);
  site.server.floor("idle", undefined);
  await clock.advance(soon);
  assert.is(conference.legs.size, 2);
  site.server.floor("fire", "sip:bob@example.org");
  await clock.advance(soon);
  assert.equal([alice.story.at(-1), dave.story.at(-1)], ["hung up", "answer of 2-dave"]);
  over(true);
  await clock.advance(soon);
  assert.is(dave.story.at(-1), "hung up");
  await site.close();
});

test("who hangs up, or loses the account, hears no more", async () => {
  const { site, alice, dave, clock, conference, over } = await open();
  const session = alice.dial("*75");
  dave.dial("*75");
  await clock.advance(soon);
  session.end();
  await clock.advance(soon);
  assert.equal([...conference.legs], ["2-dave"]);
  site.server.account("dave", "proof");
  await clock.advance(soon);
  assert.equal([...conference.legs], []);
  over(false);
  await clock.advance(2 * soon);
  await site.close();
});

test("where nothing is recorded, the number is nobody's", async () => {
  const site = await openSite();
  const alice = await openPhone(site, "alice", "10.0.0.2");
  alice.register();
  await site.clock.advance(soon);
  alice.dial("*75");
  await site.clock.advance(soon);
  assert.equal(alice.story, ["refused: 404"]);
  await site.close();
});

test.run();
