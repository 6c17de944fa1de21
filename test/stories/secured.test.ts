import { test } from "uvu";
import * as assert from "uvu/assert";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, speech } from "../support/realm.ts";

test("where SRTP is required the boards speak it too: a press is heard whole, and nothing of it can be read on the wire", async () => {
  const realm = await openRealm();
  let datagrams = 0;
  let readable = 0;
  realm.network.onDatagram(({ data, from, to }) => {
    if (![from.port, to.port].some((port) => port >= 20_000 && port <= 20_999)) return;
    datagrams += 1;
    if (
      /MCPT|MCPC|sip:|crew/.test(
        Buffer.from(data)
          .toString("latin1")
          .replace(/^.{12}/s, ""),
      )
    )
      readable += 1;
  });
  const north = await realm.site("north", { srtp: "required" });
  const south = await realm.site("south", { srtp: "required" });
  await realm.clock.advance(8_000);
  assert.ok(north.lamp("ready") && south.lamp("ready"));
  const said = await speech("north", 3_000);
  const ears = south.listen();
  north.press();
  north.say(said);
  await realm.clock.advance(3_000);
  north.release();
  await realm.clock.advance(1_000);
  const { correlation, heard, missingAtStartMs, missingAtEndMs } = likeness(said, ears.take());
  assert.ok(correlation > 0.9, `correlation ${correlation}`);
  assert.ok(heard >= 0.99, `heard ${heard}`);
  assert.equal([missingAtStartMs, missingAtEndMs], [0, 0]);
  // A panel's leg that sits idle is looked at too: reports, and what keeps it alive.
  await realm.clock.advance(30_000);
  assert.ok(datagrams > 300, `${datagrams} datagrams`);
  assert.is(readable, 0);
  assert.equal(
    [north, south].map(({ told }) => told("srtp-dropped").length),
    [0, 0],
  );
  await realm.close();
  assert.is(realm.clock.pending(), 0, "nothing is left running");
});

test.run();
