import { test } from "uvu";
import * as assert from "uvu/assert";
import { launchWorker } from "../../../firmware/conference/launch.ts";
import type { ConferenceEvent } from "../../../firmware/conference/protocol.ts";
import { settings } from "./site.ts";

const options = { gateway: "north", range: { host: "127.0.0.1", first: 46_000, last: 46_999 } };

/** A conference server in a thread of its own, and what it says next. */
async function launch() {
  const waiting = { event: (_: ConferenceEvent): void => {}, crash: (_: Error): void => {} };
  let crashes = 0;
  const link = await launchWorker(
    options,
    (event) => waiting.event(event),
    (error) => {
      crashes++;
      waiting.crash(error);
    },
  );
  return {
    link,
    crashes: () => crashes,
    event: () => new Promise<ConferenceEvent>((resolve) => Object.assign(waiting, { event: resolve })),
    crash: () => new Promise<Error>((resolve) => Object.assign(waiting, { crash: resolve })),
  };
}

test("a conference server in a worker thread provisions a leg, and ends when it is told to", async () => {
  const { link, event, crashes } = await launch();
  link.send({ type: "talkgroup", settings });
  const reply = event();
  const leg = { leg: "1", talkgroup: "ops", user: "sip:a@b", mayTalk: true, priority: 0, mayPreempt: true };
  link.send({ type: "provision", options: leg });
  const offer = await reply;
  assert.match(offer.type === "offer" ? offer.sdp : offer.type, /^m=audio 46\d\d\d RTP\/AVP 111/m);
  const standing = await link.held();
  assert.equal({ ...standing, timers: 0 }, { legs: 1, calls: 1, timers: 0 });
  link.send({ type: "release", leg: "1" });
  assert.ok((await link.held()).timers < standing.timers, "a leg that is released leaves no timer");
  await link.close();
  await link.close();
  assert.equal(await link.held(), { legs: 0, calls: 0, timers: 0 });
  assert.is(crashes(), 0);
});

test("a worker that crashes is told of once, and can still be closed", async () => {
  const { link, crash, crashes } = await launch();
  const crashed = crash();
  // No command at all.
  link.send(JSON.parse("null"));
  assert.instance(await crashed, Error);
  await link.close();
  assert.is(crashes(), 1);
});

test.run();
