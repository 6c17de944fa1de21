import { test } from "uvu";
import * as assert from "uvu/assert";
import { denyCause, revokeCause } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import { levels, sing, singer } from "./choir.ts";
import { openSite } from "./site.ts";

const opus = await loadOpus();

/** Two terminals with floor control, and a telephone, in a talkgroup where all talk at once. */
async function scene(settings = {}) {
  const site = openSite({ opus, settings: { mixing: true, ...settings } });
  const ann = await singer(site, "ann", 500, { codec: "PCMU", floor: true });
  const ben = await singer(site, "ben", 900, { codec: "PCMU", floor: true });
  const phone = await singer(site, "phone", 1_300, { codec: "PCMU" });
  const all = [ann, ben, phone];
  await sing(site, [phone], [], 300);
  for (const { terminal } of all) terminal.news();
  const hears = async (listener: typeof ann): Promise<boolean[]> =>
    (await levels(listener, all)).map((level) => level > -10);
  return { site, ann, ben, phone, all, hears, clock: site.clock };
}

test("the floor is granted to whoever asks, whoever talks, and is let go without a word to the others", async () => {
  const { site, ann, ben, phone, all, hears, clock } = await scene();
  ann.terminal.press();
  await clock.advance(0);
  assert.equal(ann.terminal.news(), ["granted"]);
  await sing(site, all, [ann, phone], 400);
  ben.terminal.press();
  await clock.advance(0);
  assert.equal(ben.terminal.news().at(-1), "granted");
  await sing(site, all, all, 1_500);
  assert.equal(
    [await hears(ann), await hears(ben), await hears(phone)],
    [
      [false, true, true],
      [true, false, true],
      [true, true, false],
    ],
  );
  assert.equal(ann.terminal.news(), [], "nothing of what others do while it talks itself");
  ann.terminal.release();
  await clock.advance(0);
  assert.equal(ann.terminal.news(), ["taken"], "who else talks");
  await sing(site, [ben, phone], [ben, phone], 1_500);
  assert.equal(await hears(phone), [false, true, false]);
  ben.terminal.release();
  await sing(site, [phone], [], 2_000);
  assert.equal([ann.terminal.news().at(-1), ben.terminal.news().at(-1)], ["idle", "idle"]);
  assert.is(await site.close(), 0);
});

test("who listens is told who talks, and when nobody does any more; so is the console", async () => {
  const { site, ann, ben, phone, clock } = await scene();
  site.news();
  await sing(site, [phone], [phone], 1_000);
  const [told] = ann.terminal.told;
  assert.ok(told?.type === "taken" && told.party === "sip:phone@example.org" && told.mayRequest);
  await sing(site, [phone], [], 1_500);
  assert.equal(
    [ann.terminal.news(), ben.terminal.news()],
    [
      ["taken", "idle"],
      ["taken", "idle"],
    ],
  );
  assert.equal(site.news(), ["bridged", "floor", "floor"]);
  await clock.advance(10_000);
  assert.equal(site.news(), ["unbridged"]);
  assert.is(await site.close(), 0);
});

test("who comes in while others talk is told so", async () => {
  const { site, phone } = await scene();
  await sing(site, [phone], [phone], 600);
  const late = await site.member("late");
  assert.equal(late.news(), ["taken"]);
  assert.is(await site.close(), 0);
});

test("a terminal with floor control that has not asked is not heard, and is told to stop", async () => {
  const { site, ann, phone, hears } = await scene();
  await sing(site, [ann, phone], [ann], 2_500);
  assert.is(phone.terminal.heard.length, 0);
  const revokes = ann.terminal.told.filter(({ type }) => type === "revoke");
  assert.ok(revokes.length >= 2 && revokes.length <= 3, "once a second");
  assert.ok(revokes.every((message) => message.type === "revoke" && message.cause === revokeCause.noPermission));
  assert.equal(await hears(ann), [false, false, false]);
  assert.is(await site.close(), 0);
});

test("a stuck button is cut after the longest burst, and works again once it was let go", async () => {
  const { site, ann, phone, clock } = await scene({ talkMs: 2_000, graceMs: 500 });
  ann.terminal.press();
  await clock.advance(0);
  await sing(site, [ann, phone], [ann], 2_100);
  const revoke = ann.terminal.told.find(({ type }) => type === "revoke");
  assert.ok(revoke?.type === "revoke" && revoke.cause === revokeCause.tooLong);
  await sing(site, [ann, phone], [ann], 1_500);
  phone.terminal.heard.length = 0;
  ann.terminal.news();
  ann.terminal.press();
  await sing(site, [ann, phone], [ann], 500);
  assert.is(phone.terminal.heard.length, 0);
  const deny = ann.terminal.told.find(({ type }) => type === "deny");
  assert.ok(deny?.type === "deny" && deny.cause === denyCause.retryAfter);
  ann.terminal.release();
  await clock.advance(100);
  ann.terminal.news();
  ann.terminal.press();
  await clock.advance(0);
  assert.equal(ann.terminal.news(), ["granted"]);
  await sing(site, [ann, phone], [ann], 500);
  assert.ok(phone.terminal.heard.length > 20);
  assert.is(await site.close(), 0);
});

test("a talker that falls silent with its button down has lost the floor after T1", async () => {
  const { site, ann, clock } = await scene({ endOfMediaMs: 1_000 });
  ann.terminal.press();
  await clock.advance(0);
  await sing(site, [ann], [ann], 500);
  ann.terminal.news();
  await clock.advance(1_300);
  assert.equal(ann.terminal.news().at(-1), "idle");
  assert.is(await site.close(), 0);
});

test("who may only listen is denied", async () => {
  const { site, clock } = await scene();
  const listener = await site.member("listener", { mayTalk: false });
  listener.news();
  listener.press();
  await clock.advance(0);
  const deny = listener.told.at(-1);
  assert.ok(deny?.type === "deny" && deny.cause === denyCause.receiveOnly);
  assert.is(await site.close(), 0);
});

test("the first word of a terminal with a button is not lost, however soft it is", async () => {
  const { site, ann, phone, clock } = await scene();
  ann.terminal.press();
  await clock.advance(0);
  await sing(site, [ann], [], 100);
  assert.ok(phone.terminal.heard.length >= 2, "from the first packet on, 40 ms deep");
  ann.terminal.release();
  assert.is(await site.close(), 0);
});

test.run();
