import { test } from "uvu";
import * as assert from "uvu/assert";
import { floorIndicator } from "../../../firmware/floor/message.ts";
import { packSpeech } from "../../../firmware/media/packed-speech.ts";
import { heard, list, opus, rights, shown, stop, talk, threeGroups } from "./scanner.ts";
import { openSite, payloads, say } from "./site.ts";
import { speech } from "./sound.ts";

test("a talkgroup that is set up anew while it is listened to is heard again at once", async () => {
  const story = await threeGroups();
  const { site, clock, fire, sam } = story;
  await talk(story, fire, 1);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "fire" });
  site.talkgroup({ name: "fire" });
  const back = await site.member("fire2", { talkgroup: "fire" });
  await clock.advance(500);
  heard(sam);
  shown(sam);
  await talk(story, back, 2, 3);
  assert.equal([heard(sam), shown(sam)], [[2, 3], ["fire2;group=fire"]]);
  await stop(story, back);
  assert.is(await site.close(), 0);
});

test("who answers in another talkgroup and goes on hold has let go there: what follows is music", async () => {
  const story = await threeGroups({ answerBack: true });
  const { site, clock, fire, sam } = story;
  await talk(story, fire, 1);
  await stop(story, fire);
  await talk(story, sam, 50);
  assert.equal(heard(fire), [50]);
  site.reoffer("sam", sam, { direction: "sendonly" });
  await clock.advance(200);
  await say(clock, sam, payloads(3, 60));
  assert.equal([heard(fire), shown(fire).at(-1)], [[], ""]);
  assert.is(await site.close(), 0);
});

test("who comes while somebody talks elsewhere is shown where that is", async () => {
  const site = openSite({ opus });
  site.talkgroup({ name: "fire" });
  const fire = await site.member("fire1", { talkgroup: "fire" });
  fire.press();
  await site.clock.advance(20);
  const sam = await site.member("sam", { scan: list({ groups: [{ talkgroup: "fire", ...rights }] }) });
  const told = sam.told.map((message) => ("sequence" in message ? message.sequence : undefined));
  assert.equal(shown(sam), ["", "fire1;group=fire"]);
  assert.equal(told, [1, 2]);
  assert.is(await site.close(), 0);
});

test("an emergency is for its home, whatever it hears and wherever it answers", async () => {
  for (const answers of [false, true]) {
    const story = await threeGroups({ answerBack: true }, { mayRaise: true });
    const { site, clock, fire, ops, sam } = story;
    await talk(story, fire, 1);
    await stop(story, fire);
    if (answers) await talk(story, sam, 50);
    sam.request({ type: "request", indicator: floorIndicator.emergency }, false);
    await clock.advance(1);
    await say(clock, sam, payloads(1, 60));
    assert.equal(
      site.events.flatMap((event) => (event.type === "urgency" ? [event.talkgroup] : [])),
      ["ops"],
    );
    assert.equal(heard(ops), [60]);
    await stop(story, sam);
    assert.is(shown(fire).at(-1), "", "nobody talks where it answered");
    assert.is(await site.close(), 0);
  }
});

test("who waits for the floor elsewhere is told when its turn will not come, and not when it has come", async () => {
  const story = await threeGroups({ answerBack: true }, { queues: true, mayRaise: true });
  const { site, clock, ops, sam } = story;
  site.conference.receive({ type: "no-talkgroup", talkgroup: "fire" });
  site.talkgroup({ name: "fire", queueing: true });
  const fire = await site.member("fire2", { talkgroup: "fire" });

  async function wait(): Promise<void> {
    await talk(story, fire, 1);
    sam.press();
    await clock.advance(1);
    assert.is(shown(sam).at(-1), "queue-info");
  }

  await wait();
  await talk(story, ops, 2);
  assert.equal(shown(sam), ["deny", "ops1"], "cut in");
  await stop(story, ops);
  sam.release();
  await clock.advance(3_100);
  await stop(story, fire);
  shown(sam);
  await wait();
  sam.request({ type: "request", indicator: floorIndicator.emergency }, false);
  await clock.advance(1);
  assert.equal(shown(sam), ["granted"], "talks at home");
  await stop(story, sam);
  await clock.advance(3_100);
  await stop(story, fire);
  shown(sam);
  await wait();
  site.conference.receive({ type: "release", leg: "fire2" });
  await clock.advance(1);
  assert.equal(shown(sam), ["granted"]);
  site.conference.receive({ type: "no-talkgroup", talkgroup: "fire" });
  await clock.advance(1);
  assert.equal(shown(sam), ["revoke", ""], "no such talkgroup any more");
  assert.is(await site.close(), 0);
});

test("a recording goes on when who scans goes home, and ends when somebody talks there", async () => {
  for (const mixing of [false, true]) {
    const site = openSite({ opus });
    site.talkgroup({ name: "fire" });
    site.talkgroup({ name: "home", ...(mixing && { mixing }) });
    const ops = await site.member("home1", { talkgroup: "home" });
    const fire = await site.member("fire1", { talkgroup: "fire" });
    const scan = list({ groups: [{ talkgroup: "fire", ...rights }], priority: "home", hangMs: 500 });
    const sam = await site.member("sam", { talkgroup: "home", scan });
    const story = { site, clock: site.clock, ops, fire, sea: fire, sam };
    const said = await speech("opus");
    const recording = packSpeech(said.map((payload, index) => ({ position: index * 960, payload })));
    const replay = () => site.conference.receive({ type: "replay", leg: "sam", speech: recording });
    await talk(story, fire, 1);
    await stop(story, fire);
    heard(sam);
    replay();
    await site.clock.advance(1_500);
    assert.is(heard(sam).length, said.length);
    replay();
    await site.clock.advance(100);
    heard(sam);
    ops.press();
    await site.clock.advance(1);
    await say(site.clock, ops, said.slice(0, 30));
    await site.clock.advance(200);
    assert.ok(heard(sam).length < 45, "one of both");
    assert.is(site.events.filter(({ type }) => type === "replayed").length, 2);
    assert.is(await site.close(), 0);
  }
});

test("a recording is heard while somebody talks where who scans does not hear it, and until it is heard", async () => {
  const story = await threeGroups({ priority: "sea", hangMs: 500 });
  const { site, clock, fire, ops, sam } = story;
  await talk(story, fire, 1);
  await stop(story, fire);
  ops.press();
  await clock.advance(1);
  heard(sam);
  const said = await speech("opus");
  const recording = packSpeech(said.map((payload, index) => ({ position: index * 960, payload })));
  site.conference.receive({ type: "replay", leg: "sam", speech: recording });
  await clock.advance(200);
  assert.ok(heard(sam).length >= 10);
  await clock.advance(300);
  heard(sam);
  await say(clock, ops, payloads(2, 70));
  assert.equal(heard(sam), [70, 71]);
  assert.is(await site.close(), 0);
});

test.run();
