/** Disks that are full, fill up while somebody talks, or cannot be written, mounted for this file alone. */
import { readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readRecording } from "../../../firmware/recorder/ogg-reader.ts";
import { likeness } from "../../../scripts/demonstration/likeness.ts";
import { mountMemory, ownMounts, unmount } from "../../support/own-mounts.ts";
import { openRealm, speech } from "../../support/realm.ts";
import { testUnless } from "../../support/skip.ts";
import { type Bench, bench, noon, piece, spoken } from "./bench.ts";

const mounted = testUnless(await ownMounts(fileURLToPath(import.meta.url)));
const all = { ask: "list", selection: {}, most: 1_000 } as const;

async function onDisk(options: string, body: (bench: Bench) => Promise<void> | void): Promise<void> {
  const own = bench();
  mountMemory(own.folder, options);
  try {
    await body(own);
  } finally {
    unmount(own.folder);
    own.remove();
  }
}

const freeIn = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

/** Somebody else's file takes all but so much. */
function fill(folder: string, left: number): string {
  const file = join(folder, "somebody-elses");
  writeFileSync(file, Buffer.alloc(Math.max(0, freeIn(folder) - left)));
  return file;
}

mounted("a small disk holds the latest bursts, for ever", () =>
  onDisk("size=2m", ({ folder, open }) => {
    const keeper = open({ leastFreeBytes: 300_000 });
    let recorded = 0;
    for (let burst = 0; burst < 60; burst++) {
      for (let batch = 0; batch < 8; batch++) {
        const end = batch === 7 ? { end: "complete" as const } : {};
        const speech = spoken(100, batch * 100);
        const outcome = keeper.write([piece(burst, { startedAt: noon + burst, speech, ...end })]);
        assert.is(outcome.trouble, undefined, `burst ${burst}`);
        recorded += outcome.recorded;
        assert.ok(freeIn(folder) > 200_000, `${freeIn(folder)} bytes are free`);
      }
    }
    const { entries } = keeper.answer(all);
    assert.is(recorded, 60);
    assert.ok(entries.length > 5 && entries.length < 45, `${entries.length} are left`);
    assert.equal(
      entries.map(({ startedAt }) => startedAt - noon),
      entries.map((_, index) => 59 - index),
    );
    for (const { file } of entries) assert.is(readRecording(readFileSync(file))?.packets.length, 800);
    keeper.close();
  }),
);

mounted(
  "a disk that others fill in mid-burst keeps what fitted, says so, and takes the next burst when there is room",
  () =>
    onDisk("size=2m", ({ folder, open, files }) => {
      const keeper = open();
      keeper.write([piece(1, { end: "complete" }), piece(2, { startedAt: noon + 1 })]);
      const file = fill(folder, 20_000);
      const troubles: (string | undefined)[] = [];
      let dropped = 0;
      for (let batch = 1; batch <= 20; batch++) {
        const last = batch === 20 ? { end: "complete" as const } : {};
        const outcome = keeper.write([
          piece(2, { startedAt: noon + 1, speech: spoken(100, 25 + 100 * batch), ...last }),
        ]);
        troubles.push(outcome.trouble);
        dropped += outcome.dropped;
      }
      assert.match(troubles.find((trouble) => trouble !== undefined) ?? "", /ENOSPC|full/);
      assert.ok(dropped > 500, `${dropped} packets are told to be missing`);
      rmSync(file);
      const after = keeper.write([piece(3, { startedAt: noon + 2, end: "complete" })]);
      assert.is(after.trouble, undefined);
      const { entries } = keeper.answer(all);
      assert.equal(
        entries.map(({ end }) => end),
        ["complete", "lost", "complete"],
      );
      const kept = readRecording(readFileSync(entries[1]?.file ?? ""));
      assert.equal([kept?.ended, (kept?.samples ?? 0) / 48], [true, entries[1]?.lengthMs]);
      assert.ok(!files().some((name) => name.endsWith(".part")));
      keeper.close();
    }),
);

mounted("recording stops in mid-burst where others leave less than there must be", () =>
  onDisk("size=2m", ({ folder, open, files }) => {
    const keeper = open({ leastFreeBytes: 300_000 });
    keeper.write([piece(1)]);
    fill(folder, 200_000);
    const outcome = keeper.write([piece(1, { speech: spoken(25, 25) })]);
    assert.match(outcome.trouble ?? "", /less than 0\.3 MB are free/);
    assert.equal([outcome.dropped, outcome.recorded], [25, 1]);
    assert.equal(
      files().filter((name) => name !== "somebody-elses"),
      ["2026-06-01/120000.000-ops~lost.opus"],
    );
    assert.is(keeper.write([piece(1, { speech: spoken(25, 50), end: "complete" })]).dropped, 25);
    assert.equal(files(), ["somebody-elses"], "the oldest goes");
    keeper.close();
  }),
);

mounted("a disk that cannot be written is trouble, and nothing else", () =>
  onDisk("size=2m", ({ folder, open }) => {
    const before = open();
    before.write([piece(1, { end: "complete" })]);
    before.close();
    mountMemory(folder, "remount,ro");
    const keeper = open();
    for (let batch = 0; batch < 3; batch++) {
      const outcome = keeper.write([piece(2, { speech: spoken(25, 25 * batch) })]);
      assert.match(outcome.trouble ?? "", /EROFS|cannot be written|ENOTSUP/);
      assert.is(outcome.dropped, 25);
    }
    assert.ok(keeper.answer(all).trouble);
    mountMemory(folder, "remount,rw");
    keeper.write([piece(3, { startedAt: noon + 2, end: "complete" })]);
    assert.equal(
      keeper.answer(all).entries.map(({ startedAt }) => startedAt - noon),
      [2, 0],
    );
    keeper.close();
  }),
);

mounted("whoever talks is heard whole, however full the disk of the log is", () =>
  onDisk("size=300k", async ({ folder }) => {
    fill(folder, 0);
    const realm = await openRealm();
    const north = await realm.site("north", { voiceLog: folder });
    const south = await realm.site("south");
    await realm.clock.advance(5_000);
    for (let burst = 0; burst < 2; burst++) {
      const said = await speech("north", 3_000);
      const ears = south.listen();
      north.press();
      north.say(said);
      await realm.clock.advance(3_000);
      north.release();
      await realm.clock.advance(1_000);
      const { correlation, heard } = likeness(said, ears.take());
      assert.ok(correlation > 0.9 && heard >= 0.99, `${correlation}, ${heard}`);
    }
    assert.is(north.told("voice-log-trouble").length, 1, "it is told once");
    rmSync(join(folder, "somebody-elses"));
    north.press();
    await realm.clock.advance(2_000);
    north.release();
    await realm.clock.advance(1_000);
    assert.is(north.told("voice-log-well").length, 1);
    await realm.close();
    assert.is(realm.clock.pending(), 0);
  }),
);

test.run();
