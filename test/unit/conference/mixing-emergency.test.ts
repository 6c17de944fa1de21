import { test } from "uvu";
import * as assert from "uvu/assert";
import { floorIndicator } from "../../../firmware/floor/message.ts";
import { loadOpus } from "../../../hal/opus/wasm.ts";
import type { Terminal } from "../../support/terminal.ts";
import { realmWith } from "./realm.ts";
import { openSite } from "./site.ts";

const opus = await loadOpus();
const settings = { mixing: true, emergencyMs: 60_000 } as const;

const cry = (terminal: Terminal): void =>
  terminal.request({ type: "request", indicator: floorIndicator.emergency }, false);

/** Whether the last that a terminal was told of the urgency is an emergency. */
const alarmed = (terminal: Terminal): boolean => {
  const last = terminal.told.findLast((message) => "indicator" in message && message.indicator !== undefined);
  return last !== undefined && "indicator" in last && ((last.indicator ?? 0) & floorIndicator.emergency) !== 0;
};

test("where everybody talks at once, everybody is told of an emergency, and nobody has to make way", async () => {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice", { mayRaise: true });
  const bob = await site.member("bob");
  const carol = await site.member("carol");
  const phone = await site.member("phone", { floor: false, codec: "PCMU", mayCalm: true });
  carol.press();
  await site.clock.advance(20);
  cry(bob);
  await site.clock.advance(20);
  assert.equal([alice, bob, carol].map(alarmed), [false, false, false], "who may not call one");
  bob.release();
  phone.heard.length = 0;
  cry(alice);
  await site.clock.advance(500);
  assert.is(alice.told.at(-1)?.type, "granted");
  assert.equal([alice, bob].map(alarmed), [true, true]);
  assert.not.ok(carol.news().includes("revoke"));
  assert.ok(phone.heard.length > 10 && carol.heard.length > 10, "telephones and who talks hear a tone");
  site.key("phone", "0");
  carol.release();
  alice.release();
  await site.clock.advance(20);
  assert.equal([alice, bob, carol].map(alarmed), [false, false, false]);
  assert.equal(
    site.events.flatMap((event) => (event.type === "urgency" ? [event.urgency] : [])),
    ["emergency", "normal"],
  );
  assert.is(await site.close(), 0);
});

test("it is told at other sites, to who comes later as well, and ends there, too", async () => {
  const { site, clock, close } = await realmWith(settings, "south", "north");
  const nora = await site("north").member("nora", { mayRaise: true });
  const sam = await site("south").member("sam");
  cry(nora);
  await clock.advance(40);
  assert.equal([nora, sam].map(alarmed), [true, true]);
  const late = await site("south").member("late");
  assert.ok(alarmed(late));
  nora.release();
  nora.request({ type: "release", indicator: floorIndicator.normal });
  await clock.advance(40);
  assert.equal([nora, sam, late].map(alarmed), [false, false, false]);
  await close();
});

test("an emergency that nobody ends lapses", async () => {
  const site = openSite({ opus, settings });
  const alice = await site.member("alice", { mayRaise: true });
  cry(alice);
  await site.clock.advance(20);
  alice.release();
  await site.clock.advance(20);
  assert.ok(alarmed(alice));
  await site.clock.advance(61_000);
  assert.not.ok(alarmed(alice));
  assert.is(await site.close(), 0);
});

test.run();
