/** The line for private calls at the conference server itself. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { openDirectLine } from "../../../firmware/agent/direct-line.ts";
import { answerOffer } from "../../../firmware/sip/negotiation.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { openSite, payloads, say } from "../conference/site.ts";

const opus = await loadOpus();
const [server, board] = ["10.0.0.1", "10.0.0.2"] as const;

/** A line, parked at its conference server, and a call "private-1" with alice in it. */
async function openParked() {
  const site = openSite({ opus });
  const { clock, network, conference } = site;
  site.talkgroup({ name: "private-1", scope: "gateway", hangMs: 60_000 });
  const alice = await site.member("alice", { talkgroup: "private-1", local: { host: "10.0.0.3", port: 40_000 } });
  const told: string[] = [];
  const line = await openDirectLine(
    { clock, random: seededRandom(4), network: network.host(board), opus, srtp: nodeSrtp() },
    { range: { host: board, first: 30_000, last: 30_009 }, cname: "panel@example.org", priority: 0, warningMs: 0 },
    {
      capture() {},
      queued() {},
      warned() {},
      urgent() {},
      talk: () => told.push("talk"),
      mute: () => told.push("mute"),
      denied: (cause) => told.push(`denied ${cause}`),
      revoked: (cause) => told.push(`revoked ${cause}`),
      failed: (why) => told.push(why),
      listening: (party) => told.push(party === undefined ? "silence" : `hears ${party}`),
      called: (party) => told.push(party === undefined ? "call over" : `called by ${party}`),
      ready() {},
      onLoss() {},
      onLost: () => told.push("lost"),
    },
  );
  const offer = await site.offer("board", { talkgroup: "" });
  const { agreement, answer } = answerOffer(offer, line.local, "1");
  line.session.onSession(agreement);
  conference.receive({ type: "accept", leg: "board", answer });
  await clock.advance(100);
  return {
    ...{ site, clock, network, alice, line, told },
    call: () => site.move("board", "private-1", { caller: "sip:alice@example.org" }),
    part: () => site.move("board"),
    async close(): Promise<void> {
      line.close();
      assert.is(await site.close(), 0);
    },
  };
}

test("a parked line is not in a call, and stands", async () => {
  const { clock, line, told, close } = await openParked();
  await clock.advance(120_000);
  assert.equal([told, line.inCall(), line.stands()], [[], false, true]);
  await close();
});

test("moved into a call it hears who called and who talks, is heard, and is parked again", async () => {
  const { clock, alice, line, told, call, part, close } = await openParked();
  call();
  await clock.advance(50);
  assert.equal([told, line.inCall()], [["called by sip:alice@example.org"], true]);
  alice.press();
  await clock.advance(50);
  await say(clock, alice, payloads(5));
  alice.release();
  await clock.advance(200);
  line.press();
  await clock.advance(50);
  for (let packet = 0; packet < 5; packet++) line.send(Uint8Array.of(0xf8, 1, 2), packet * 960, packet === 0);
  await clock.advance(50);
  assert.is(alice.heard.length, 5);
  line.unpress();
  await clock.advance(200);
  part();
  await clock.advance(5_000);
  assert.equal(told.slice(1), ["hears sip:alice@example.org", "silence", "talk", "mute", "call over"]);
  assert.is(line.inCall(), false);
  await close();
});

test("a Connect that is lost is made up for by who talks, or by the next one", async () => {
  for (const talks of [true, false]) {
    const { clock, network, alice, told, call, close } = await openParked();
    network.partition(server, board);
    call();
    await clock.advance(10);
    network.heal();
    assert.equal(told, []);
    if (talks) alice.press();
    await clock.advance(talks ? 50 : 1_050);
    const by = "called by sip:alice@example.org";
    assert.equal(told, talks ? [by, "hears sip:alice@example.org"] : [by]);
    await clock.advance(5_000);
    assert.is(told.filter((what) => what.startsWith("called")).length, 1);
    await close();
  }
});

test("a Disconnect that is lost each time is found out by the press that is denied", async () => {
  const { clock, network, line, told, call, part, close } = await openParked();
  call();
  await clock.advance(50);
  network.partition(server, board);
  part();
  await clock.advance(5_000);
  network.heal();
  assert.is(line.inCall(), true);
  line.press();
  await clock.advance(50);
  assert.equal([told.slice(1), line.inCall()], [["denied 3", "call over"], false]);
  await close();
});

test("moved in mid-burst it is cut, and is in the other call", async () => {
  const { site, clock, line, told, call, close } = await openParked();
  site.talkgroup({ name: "private-2", scope: "gateway" });
  call();
  await clock.advance(50);
  line.press();
  await clock.advance(50);
  site.move("board", "private-2", { caller: "sip:bob@example.org" });
  await clock.advance(1_000);
  assert.equal(told.slice(1), ["talk", "session-over", "call over", "called by sip:bob@example.org"]);
  assert.is(line.inCall(), true);
  await close();
});

test("called again at once after it was parked, it is in the call within two seconds", async () => {
  const { clock, line, call, part, close } = await openParked();
  call();
  await clock.advance(50);
  part();
  await clock.advance(20);
  call();
  await clock.advance(2_000);
  assert.is(line.inCall(), true);
  await close();
});

test.run();
