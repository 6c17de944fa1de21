import { test } from "uvu";
import * as assert from "uvu/assert";
import type { TrunkFloor } from "../../../firmware/conference/protocol.ts";
import { denyCause, encodeFloor, type FloorMessage } from "../../../firmware/floor/message.ts";
import { controlling, floorOf, hears, isIdle, northAndSouth, participating, realm } from "./realm.ts";
import { numbersOf, payloads, say, upTo } from "./site.ts";

test("a press at a participating gateway is granted by the controlling one, and heard there", async () => {
  const { clock, nora, sam, close } = await northAndSouth();
  nora.press();
  await clock.advance(19);
  assert.equal([nora.news(), sam.news()], [[], ["taken"]]);
  await clock.advance(1);
  assert.equal(nora.news(), ["granted"]);
  await say(clock, nora, payloads(20));
  nora.release();
  await clock.advance(20);
  hears(sam, upTo(20));
  assert.ok(sam.heard[0]?.marker);
  assert.equal([nora.news(), sam.news()], [["idle"], ["idle"]]);
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(20));
  await clock.advance(10);
  hears(nora, upTo(20));
  assert.is(await close(), 0);
});

test("of two presses at once, one is granted and the other denied", async () => {
  const { clock, nora, sam, close } = await northAndSouth();
  nora.press();
  sam.press();
  await clock.advance(20);
  assert.equal(sam.news(), ["granted"]);
  const deny = nora.told.find(({ type }) => type === "deny");
  assert.is(deny?.type === "deny" && deny.cause, denyCause.taken);
  assert.is(nora.told.filter(({ type }) => type === "granted").length, 0);
  assert.is(await close(), 0);
});

test("a listen-only user is denied at home, and a higher priority counts at the controlling gateway", async () => {
  const { clock, site, sam, close } = await northAndSouth();
  const mute = await site("north").member("mute", { mayTalk: false });
  const chief = await site("north").member("chief", { priority: 9 });
  mute.news();
  mute.press();
  await clock.advance(0);
  assert.equal(mute.news(), ["deny"]);
  sam.press();
  await clock.advance(20);
  chief.press();
  await clock.advance(20);
  assert.equal(sam.news(), ["granted", "revoke"]);
  sam.release();
  await clock.advance(20);
  assert.ok(chief.news().includes("granted"));
  assert.is(await close(), 0);
});

test("a burst survives its controlling gateway, and ends with its talker's release", async () => {
  const { clock, site, roles, lose, close } = await realm("south", "north", "west");
  const nora = await site("north").member("nora");
  const wes = await site("west").member("wes");
  nora.press();
  await clock.advance(20);
  await say(clock, nora, payloads(10));
  await lose("south");
  await say(clock, nora, payloads(50, 10));
  roles("west", "north");
  await say(clock, nora, payloads(50, 60));
  nora.release();
  await clock.advance(20);
  hears(wes, upTo(110));
  assert.ok(isIdle(site("north")) && isIdle(site("west")));
  wes.press();
  await clock.advance(20);
  assert.ok(wes.news().includes("granted"));
  assert.is(await close(), 0);
});

test("a talker whose gateway is lost leaves an idle floor after T1, everywhere", async () => {
  const { clock, site, roles, lose, close } = await realm("south", "north", "west");
  const nora = await site("north").member("nora");
  const wes = await site("west").member("wes");
  const sam = await site("south").member("sam");
  nora.press();
  await clock.advance(20);
  await say(clock, nora, payloads(50));
  await lose("north");
  roles("south", "west");
  wes.news();
  await clock.advance(3_600);
  assert.equal(wes.news(), []);
  await clock.advance(400);
  assert.ok(isIdle(site("south")));
  await clock.advance(20);
  assert.ok(isIdle(site("west")));
  assert.equal(wes.news(), ["idle"]);
  sam.press();
  await clock.advance(0);
  assert.ok(sam.news().includes("granted"));
  assert.is(await close(), 0);
});

test("words that are lost on the trunk leave no floor taken and no talker on", async () => {
  const { clock, trunk, site, nora, sam, close } = await northAndSouth();
  const nick = await site("north").member("nick");
  nora.press();
  await clock.advance(20);
  await say(clock, nora, payloads(10));
  trunk.lost = () => true;
  nora.release();
  nick.news();
  // She goes on; what is in flight for 100 ms is all that is heard.
  await say(clock, nora, payloads(24, 10));
  assert.equal(nick.news(), []);
  await clock.advance(20);
  assert.equal(nick.news(), ["idle"], "a release that nobody confirms ends the burst here");
  await say(clock, nora, payloads(10, 34));
  hears(nick, upTo(15));
  await clock.advance(4_000);
  assert.ok(isIdle(site("south")), "T1");
  trunk.lost = () => false;
  sam.press();
  await clock.advance(20);
  await say(clock, sam, payloads(10));
  trunk.lost = () => true;
  sam.release();
  await clock.advance(4_600);
  assert.ok(isIdle(site("north")), "an Idle that is lost is made up for by silence");
  assert.is(await close(), 0);
});

test("a release that crosses with the next press opens the gate again", async () => {
  const { clock, trunk, site, nora, sam, close } = await northAndSouth();
  nora.press();
  await clock.advance(20);
  await say(clock, nora, payloads(10));
  // The Idle is lost on its way.
  trunk.lost = (from) => from === "south";
  nora.release();
  await clock.advance(15);
  trunk.lost = () => false;
  nora.press();
  await clock.advance(20);
  nora.news();
  await say(clock, nora, payloads(40, 10));
  await clock.advance(10);
  hears(sam, upTo(50));
  assert.equal(nora.news(), []);
  assert.not(isIdle(site("north")));
  assert.is(await close(), 0);
});

test("a gateway stands in for a controller that does not answer, and gives control back after the burst", async () => {
  const { clock, trunk, site, nora, sam, close } = await northAndSouth();
  trunk.lost = () => true;
  nora.press();
  await clock.advance(499);
  assert.equal(nora.news(), []);
  await clock.advance(1);
  assert.equal(nora.news(), ["granted"]);
  trunk.lost = () => false;
  await say(clock, nora, payloads(10));
  nora.release();
  await clock.advance(10);
  assert.ok(isIdle(site("north")));
  sam.press();
  await clock.advance(20);
  nora.news();
  await say(clock, sam, payloads(150));
  await clock.advance(10);
  hears(nora, upTo(150));
  assert.equal(nora.news(), [], "the arbiter that stood in says nothing more");
  nora.press();
  await clock.advance(20);
  assert.equal(nora.news(), ["deny"], "and south rules");
  assert.is(await close(), 0);
});

test("of a gateway that stood in and a controller that was only slow, the controller's burst stays", async () => {
  const { clock, trunk, nora, sam, close } = await northAndSouth();
  trunk.floorMs = 400;
  nora.press();
  await clock.advance(90);
  sam.press();
  await clock.advance(399);
  assert.equal([nora.news(), sam.news()], [[], ["granted"]]);
  await clock.advance(101);
  assert.equal(nora.news(), ["taken"], "sam's burst was known here just before nora's question was too old");
  assert.is(await close(), 0);

  // Whatever their names.
  for (const controller of ["south", "east"]) {
    const again = await realm(controller, "north");
    const nell = await again.site("north").member("nell");
    const ed = await again.site(controller).member("ed");
    nell.news();
    ed.news();
    again.trunk.floorMs = 600;
    nell.press();
    await again.clock.advance(100);
    ed.press();
    await again.clock.advance(450);
    assert.equal([nell.news(), ed.news()], [["granted"], ["granted"]]);
    await again.clock.advance(2_000);
    assert.ok(nell.news().includes("revoke"), "nell gives way");
    assert.not(ed.news().includes("revoke"));
    for (const name of ["north", controller]) {
      const floor = floorOf(again.site(name));
      assert.is(floor?.type === "floor" && floor.talker, "sip:ed@example.org", name);
    }
    assert.is(await again.close(), 0);
  }
});

test("a grant that comes after this gateway has stood in and finished does not hold the floor", async () => {
  const { clock, trunk, site, nora, sam, close } = await northAndSouth();
  trunk.floorMs = 300;
  nora.press();
  await clock.advance(500);
  assert.equal(nora.news(), ["granted"]);
  await clock.advance(20);
  nora.release();
  await clock.advance(80);
  // The terminal has let go: it answers the late grant as TS 24.380 has it.
  assert.equal(nora.news(), ["idle", "granted"]);
  nora.release();
  await clock.advance(700);
  assert.ok(isIdle(site("north")) && isIdle(site("south")));
  sam.news();
  sam.press();
  await clock.advance(0);
  assert.ok(sam.news().includes("granted"));
  assert.is(await close(), 0);
});

test("a leg that goes while its request is under way does not hold the floor", async () => {
  const { clock, site, nora, close } = await northAndSouth();
  const chief = await site("north").member("chief", { priority: 9 });
  nora.press();
  chief.press();
  await clock.advance(0);
  nora.release();
  await clock.advance(0);
  site("north").conference.receive({ type: "release", leg: "chief" });
  await clock.advance(10);
  assert.not(isIdle(site("south")) && site("south").events.length === 0);
  await clock.advance(90);
  assert.ok(isIdle(site("south")));
  await clock.advance(20);
  assert.ok(isIdle(site("north")));
  assert.is(await close(), 0);
});

test("a request at the moment that control changes hands is put to the successor", async () => {
  const { clock, roles, lose, site, close } = await realm("south", "north", "west");
  const nora = await site("north").member("nora");
  await lose("south");
  nora.news();
  nora.press();
  await clock.advance(5);
  roles("west", "north");
  await clock.advance(20);
  assert.equal(nora.news(), ["granted"]);
  nora.release();
  await clock.advance(2_000);
  await lose("west");
  nora.news();
  nora.press();
  await clock.advance(5);
  roles("north");
  await clock.advance(0);
  assert.equal(nora.news(), ["granted"]);
  assert.is(await close(), 0);
});

test("two gateways that each believe to control, and two that each believe the other does, end with one talker", async () => {
  for (const confused of ["both", "neither"] as const) {
    const { clock, site, nora, sam, close } = await northAndSouth();
    site("north").role(confused === "both" ? controlling("south") : participating("south"));
    site("south").role(confused === "both" ? controlling("north") : participating("north"));
    await clock.advance(20);
    nora.news();
    sam.news();
    nora.press();
    sam.press();
    await clock.advance(700);
    const talkers = ["north", "south"].map((name) => {
      const floor = floorOf(site(name));
      return floor?.type === "floor" && floor.talker;
    });
    assert.is(talkers[0], talkers[1], confused);
    assert.ok(talkers[0]);
    const granted = [nora, sam].map((each) => each.news());
    assert.is(granted.filter((news) => news.includes("granted") && !news.includes("revoke")).length, 1, confused);
    assert.is(await close(), 0);
  }
});

test("islands that grow together in mid-burst keep one burst, the other's talker is told", async () => {
  const { clock, trunk, site, nora, sam, roles, close } = await northAndSouth();
  trunk.lost = () => true;
  for (const name of ["north", "south"]) site(name).role(controlling());
  nora.press();
  sam.press();
  await clock.advance(0);
  assert.equal([nora.news(), sam.news()], [["granted"], ["granted"]]);
  await clock.advance(1_000);
  trunk.lost = () => false;
  roles("south", "north");
  await clock.advance(50);
  const news = [nora.news(), sam.news()].map((each) => each.includes("revoke"));
  assert.equal(news.filter(Boolean).length, 1);
  const [northern, southern] = ["north", "south"].map((name) => floorOf(site(name)));
  assert.is(northern?.type === "floor" && northern.talker, southern?.type === "floor" && southern.talker);
  assert.is(await close(), 0);
});

test("a gateway that lies about whose legs it speaks for is not believed", async () => {
  const { clock, site, nora, sam, close } = await northAndSouth();
  const word = (participant: string, message: FloorMessage, epoch = 1): TrunkFloor => ({
    talkgroup: "ops",
    participant,
    epoch,
    priority: 0,
    message: encodeFloor(message, { ssrc: 1 }),
  });
  const hear = (at: string, floor: TrunkFloor) =>
    site(at).conference.receive({ type: "trunk-floor", from: "west", floor });

  hear("south", word("north/nora", { type: "request" }));
  hear("south", word("south/sam", { type: "request" }));
  hear("south", word("", { type: "request" }));
  hear("south", word("westx", { type: "request" }));
  await clock.advance(20);
  assert.equal([nora.news(), sam.news()], [[], []]);
  nora.press();
  await clock.advance(20);
  nora.news();
  hear("south", word("north/nora", { type: "release" }));
  hear("south", word("", { type: "idle", sequence: 1 }));
  hear("north", word("north/nora", { type: "revoke", cause: 2 }));
  hear("north", word("", { type: "idle", sequence: 1 }));
  hear("north", word("north/nobody", { type: "granted", durationS: 30, priority: 0 }));
  hear("north", { ...word("", { type: "idle", sequence: 1 }), message: Uint8Array.from([1, 2, 3]) });
  await say(clock, nora, payloads(5));
  await clock.advance(10);
  hears(sam, upTo(5));
  assert.equal(nora.news(), []);
  // A term beyond all others leaves the trunk usable: terms are 32 bits wide there.
  hear("north", word("", { type: "idle", sequence: 1 }, 0xffff_ffff));
  nora.release();
  await clock.advance(30);
  site("north").role(controlling("south"));
  nora.press();
  await clock.advance(0);
  const last = site("north").events.findLast(({ type }) => type === "trunk-floor");
  assert.ok(last?.type === "trunk-floor" && last.floor.epoch <= 0xffff_ffff);
  assert.is(await close(), 0);
});

test("a gateway that comes into a burst learns of it and hears it", async () => {
  const { clock, site, roles, close } = await realm("south", "north", "west");
  for (const name of ["south", "north"])
    site(name).role(name === "south" ? controlling("north") : participating("south"));
  site("west").role(controlling());
  const nora = await site("north").member("nora");
  const wes = await site("west").member("wes");
  nora.press();
  await clock.advance(20);
  await say(clock, nora, payloads(10));
  // West is even the one to control from now on.
  roles("west", "south", "north");
  await say(clock, nora, payloads(10, 10));
  await clock.advance(20);
  assert.ok(numbersOf(wes).includes(19));
  assert.ok(wes.news().includes("taken"));
  wes.press();
  await clock.advance(0);
  assert.ok(wes.news().includes("deny"));
  await say(clock, nora, payloads(10, 20));
  nora.release();
  await clock.advance(30);
  for (const name of ["south", "north", "west"]) assert.ok(isIdle(site(name)), name);
  nora.press();
  await clock.advance(20);
  assert.ok(nora.news().includes("granted"), "by west");
  assert.is(await close(), 0);
});

test.run();
