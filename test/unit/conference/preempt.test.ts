import { test } from "uvu";
import * as assert from "uvu/assert";
import { northAndSouth } from "./realm.ts";

test("who may not pre-empt takes the floor from nobody at another gateway, and is granted an idle one with their priority", async () => {
  const { clock, site, sam, close } = await northAndSouth();
  const meek = await site("north").member("meek", { priority: 9, mayPreempt: false });
  sam.press();
  await clock.advance(20);
  meek.news();
  meek.press();
  await clock.advance(20);
  assert.equal([sam.news(), meek.news()], [["granted"], ["deny"]]);
  sam.release();
  await clock.advance(20);
  meek.press();
  await clock.advance(20);
  const granted = meek.told.find(({ type }) => type === "granted");
  assert.is(granted?.type === "granted" && granted.priority, 9);
  assert.is(await close(), 0);
});

test.run();
