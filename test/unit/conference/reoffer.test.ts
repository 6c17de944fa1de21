import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause } from "../../../firmware/floor/message.ts";
import { parseSdp } from "../../../firmware/sip/sdp.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { numbersOf, openSite, payloads, type Site, say, upTo } from "./site.ts";

const opus = await loadOpus();

async function aliceAndBob(bobOptions = {}) {
  const site = openSite({ opus });
  const alice = await site.member("alice");
  const bob = await site.member("bob", bobOptions);
  for (const each of [alice, bob]) each.news();
  site.news();
  return { site, clock: site.clock, alice, bob };
}

async function press({ clock }: Site, terminal: Terminal): Promise<void> {
  terminal.press();
  await clock.advance(0);
}

const described = (sdp: string | number) => {
  if (typeof sdp === "number") throw new Error(`refused: ${sdp}`);
  return parseSdp(sdp);
};

/** How far the numbers of what was heard are from one another, and by how many ms the timestamps are ahead of the clock. */
function steps({ heard }: Terminal) {
  const [first] = heard;
  return {
    sequences: heard.map(({ sequence }) => (sequence - (first?.sequence ?? 0)) & 0xffff),
    ahead: heard.map(
      ({ timestamp, at }) => ((timestamp - (first?.timestamp ?? 0)) >>> 0) / 48 - (at - (first?.at ?? 0)),
    ),
  };
}

test("every direction is answered by its counterpart, and the old hold by an address of nowhere is a hold", async () => {
  const { site, bob } = await aliceAndBob();
  const answers = (["sendrecv", "sendonly", "recvonly", "inactive"] as const).map(
    (direction) => described(site.reoffer("bob", bob, { direction })).audio?.direction,
  );
  assert.equal(answers, ["sendrecv", "recvonly", "sendonly", "inactive"]);
  assert.is(described(site.reoffer("bob", bob, { host: "0.0.0.0" })).audio?.direction, "recvonly");
  assert.is(
    described(site.reoffer("bob", bob, { host: "0.0.0.0", direction: "inactive" })).audio?.direction,
    "inactive",
  );
  assert.is(await site.close(), 0);
});

test("the version of the description grows by one where it changes, and stays where it does not", async () => {
  const { site, bob } = await aliceAndBob();
  const version = (direction: "sendrecv" | "sendonly") => described(site.reoffer("bob", bob, { direction })).origin;
  const { id } = version("sendrecv");
  assert.equal(
    (["sendrecv", "sendonly", "sendonly", "sendrecv"] as const).map((direction) => version(direction)),
    [2, 3, 3, 4].map((number) => ({ id, version: number, host: "10.0.0.1" })),
    "the answer to the first offer is not what was offered: version 2",
  );
  assert.is(await site.close(), 0);
});

test("who is put on hold in mid-burst hears nothing, hears on when resumed, and its stream has no hole", async () => {
  for (const hold of [{ direction: "sendonly" }, { direction: "inactive" }, { host: "0.0.0.0" }] as const) {
    const { site, clock, alice, bob } = await aliceAndBob();
    await press(site, alice);
    await say(clock, alice, payloads(10));
    site.reoffer("bob", bob, hold);
    await say(clock, alice, payloads(10, 10));
    assert.equal(numbersOf(bob), upTo(10));
    site.reoffer("bob", bob, { direction: "sendrecv" });
    await say(clock, alice, payloads(10, 20));
    assert.equal(numbersOf(bob), [...upTo(10), ...upTo(30, 20)]);
    assert.equal(steps(bob), { sequences: upTo(20), ahead: upTo(20).map(() => 0) });
    assert.ok(bob.heard[10]?.marker, "it begins anew");
    assert.is(new Set(bob.heard.map(({ ssrc }) => ssrc)).size, 1);
    assert.is(await site.close(), 0);
  }
});

test("floor messages go on while a terminal is on hold, also to where it was before its address was taken back", async () => {
  const { site, alice, bob } = await aliceAndBob();
  site.reoffer("bob", bob, { host: "0.0.0.0" });
  await press(site, alice);
  assert.equal(bob.news(), ["taken"]);
  assert.is(await site.close(), 0);
});

test("a talker that goes on hold has let go: what follows is music, and reaches nobody", async () => {
  const { site, clock, alice, bob } = await aliceAndBob();
  await press(site, bob);
  await say(clock, bob, payloads(5));
  site.reoffer("bob", bob, { direction: "sendonly" });
  await clock.advance(0);
  assert.equal(
    [alice.news(), bob.news()],
    [
      ["taken", "idle"],
      ["granted", "revoke", "idle"],
    ],
  );
  await clock.advance(200);
  await say(clock, bob, payloads(5, 50));
  assert.equal(numbersOf(alice), upTo(5));
  assert.is(await site.close(), 0);
});

test("a terminal that takes up floor control is told the state of the floor; one that gives it up is told no more", async () => {
  const { site, alice, bob } = await aliceAndBob();
  site.reoffer("bob", bob, { floor: false });
  await press(site, alice);
  assert.equal(bob.news(), []);
  site.reoffer("bob", bob, { floor: true });
  await site.clock.advance(0);
  assert.equal(bob.news(), ["taken"]);
  assert.is(await site.close(), 0);
});

test("a refresh of the session in mid-burst disturbs neither talker nor listener", async () => {
  const { site, clock, alice, bob } = await aliceAndBob();
  await press(site, alice);
  await say(clock, alice, payloads(5));
  site.reoffer("alice", alice, {});
  site.reoffer("bob", bob, {});
  for (const payload of payloads(5, 5)) {
    alice.speak(payload);
    await clock.advance(20);
  }
  assert.equal(numbersOf(bob), upTo(10));
  assert.is(bob.heard.filter(({ marker }) => marker).length, 1);
  assert.equal(alice.news(), ["granted"]);
  assert.is(await site.close(), 0);
});

test("a terminal that answers that it only listens is not heard, and is denied the floor as one that may only listen", async () => {
  const { site, clock, alice } = await aliceAndBob();
  const ear = await site.terminal();
  const offer = await site.offer("ear");
  site.conference.receive({ type: "accept", leg: "ear", answer: ear.answer(offer, "recvonly") });
  await press(site, ear);
  const deny = ear.told.at(-1);
  assert.is(deny?.type === "deny" && deny.cause, denyCause.receiveOnly);
  await say(clock, ear, payloads(3));
  assert.equal(alice.heard, []);
  await press(site, alice);
  await say(clock, alice, payloads(3));
  assert.equal(numbersOf(ear), upTo(3));
  assert.is(await site.close(), 0);
});

test("a terminal that answers that it is inactive gets nothing", async () => {
  const { site, clock, alice } = await aliceAndBob();
  const nobody = await site.terminal();
  const offer = await site.offer("nobody");
  site.conference.receive({ type: "accept", leg: "nobody", answer: nobody.answer(offer, "inactive") });
  await press(site, alice);
  await say(clock, alice, payloads(3));
  assert.equal(nobody.heard, []);
  assert.is(await site.close(), 0);
});

test("an offer that only listens is answered so", async () => {
  const site = openSite({ opus });
  const ear = await site.terminal();
  const offer = ear.offer({ direction: "recvonly" });
  site.conference.receive({ type: "provision", options: site.legOptions("ear"), offer });
  await site.clock.advance(0);
  const [answer] = site.events;
  assert.is(answer?.type === "answer" && parseSdp(answer.sdp).audio?.direction, "sendonly");
  assert.is(await site.close(), 0);
});

test("an offer that does not fit is refused, and the session goes on as it was", async () => {
  const { site, clock, alice, bob } = await aliceAndBob();
  await press(site, alice);
  await say(clock, alice, payloads(3));
  const reoffer = (offer: string) => {
    site.conference.receive({ type: "reoffer", leg: "bob", offer });
    const event = site.events.at(-1);
    return event?.type === "reanswer" && "status" in event && event.status;
  };
  const foreign = bob.offer().replaceAll("opus", "speex");
  const gone = bob.offer().replace(/^m=audio \d+/m, "m=audio 0");
  assert.equal([foreign, gone, "nonsense"].map(reoffer), [488, 488, 400]);
  site.conference.receive({ type: "reoffer", leg: "nobody", offer: foreign });
  const unknown = site.events.at(-1);
  assert.is(unknown?.type === "reanswer" && "status" in unknown && unknown.status, 481);
  await say(clock, alice, payloads(3, 3));
  assert.equal(numbersOf(bob), upTo(6));
  assert.is(await site.close(), 0);
});

test("a terminal that moves is heard and reached where it says it is now", async () => {
  const { site, clock, alice, bob } = await aliceAndBob();
  const place = { host: "10.0.0.1", port: 45_000 };
  let there = 0;
  const socket = await site.network.host(place.host).udp(place, () => there++);
  await press(site, bob);
  await say(clock, bob, payloads(3));
  bob.release();
  site.reoffer("bob", bob, place);
  await press(site, alice);
  await say(clock, alice, payloads(4));
  assert.equal([bob.heard.length, there], [0, 4]);
  socket.close();
  assert.is(await site.close(), 0);
});

test("a terminal behind a NAT that goes on hold and comes back is still reached where it was last heard", async () => {
  const away = { local: { host: "10.9.9.9", port: 31_000 }, describedAs: "192.168.1.2" };
  const { site, clock, alice, bob } = await aliceAndBob(away);
  await press(site, bob);
  await say(clock, bob, payloads(2));
  bob.release();
  await clock.advance(0);
  site.reoffer("bob", bob, { direction: "sendonly" });
  site.reoffer("bob", bob, { direction: "sendrecv" });
  await press(site, alice);
  await say(clock, alice, payloads(3));
  assert.equal(numbersOf(bob), upTo(3));
  assert.is(await site.close(), 0);
});

test("the silence of a terminal on hold tells nothing for half an hour; its way is kept open meanwhile", async () => {
  const { site, clock, bob } = await aliceAndBob({ reports: false });
  site.reoffer("bob", bob, { direction: "sendonly" });
  site.news();
  await clock.advance(1_799_000);
  assert.equal(site.news(), []);
  assert.ok(bob.keptAliveAt.length >= 119);
  await clock.advance(6_000);
  assert.equal(site.news(), ["lost"]);
  assert.is(await site.close(), 0);
});

test("a terminal that has been resumed is lost as fast as any other", async () => {
  const { site, clock, bob } = await aliceAndBob({ reports: false });
  site.reoffer("bob", bob, { direction: "sendonly" });
  await clock.advance(300_000);
  site.reoffer("bob", bob, { direction: "sendrecv" });
  site.news();
  await clock.advance(44_000);
  assert.equal(site.news(), []);
  await clock.advance(6_000);
  assert.equal(site.news(), ["lost"]);
  assert.is(await site.close(), 0);
});

test.run();
