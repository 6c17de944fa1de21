import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { packSpeech, speechIn } from "../../../firmware/media/packed-speech.ts";
import { readRecording } from "../../../firmware/recorder/ogg-reader.ts";
import { mend } from "../../../firmware/recorder/recording-file.ts";
import { type Bench, bench, noon, packet, piece, spoken } from "./bench.ts";

const test = suite<{ bench: Bench }>("keeper");
test.before.each((context) => {
  context.bench = bench();
});
test.after.each((context) => context.bench.remove());

const day = 86_400_000;
const all = { ask: "list", selection: {}, most: 1_000 } as const;

test("a burst is a file that is named when it is whole, for its owner's eyes, and an entry of the index", ({
  bench,
}) => {
  const keeper = bench.open();
  chmodSync(bench.folder, 0o755);
  keeper.write([piece(1)]);
  assert.equal(bench.files(), ["2026-06-01/120000.000-ops.part"]);
  assert.equal(keeper.answer(all).entries, []);
  const outcome = keeper.write([piece(1, { speech: spoken(10, 25), end: "complete" })]);
  const name = "2026-06-01/120000.000-ops.opus";
  assert.equal([bench.files(), outcome.recorded, outcome.dropped], [[name], 1, 0]);
  const file = join(bench.folder, name);
  const bytes = statSync(file).size;
  const { id: _, ...entry } = keeper.answer(all).entries[0] ?? { id: 0 };
  assert.equal(entry, {
    ...{ talkgroup: "ops", talker: "sip:alice@crew.example", startedAt: noon },
    ...{ lengthMs: 700, end: "complete", file, bytes },
  });
  assert.is(outcome.heldBytes, bytes);
  for (const path of [file, join(bench.folder, "index.db")]) assert.is(statSync(path).mode & 0o777, 0o600, path);
  for (const path of [bench.folder, join(bench.folder, "2026-06-01")]) assert.is(statSync(path).mode & 0o777, 0o700);
  keeper.close();
});

test("what was written is on the disk within the batch, but for the last packet", ({ bench }) => {
  const keeper = bench.open();
  for (let batch = 0; batch < 3; batch++) keeper.write([piece(1, { speech: spoken(25, 25 * batch) })]);
  const recording = readRecording(readFileSync(join(bench.folder, "2026-06-01/120000.000-ops.part")));
  assert.is(recording?.packets.length, 74);
  keeper.close();
});

test("bursts of one moment, of talkgroups with any name, and cut ones have names of their own", ({ bench }) => {
  const keeper = bench.open();
  keeper.write([
    piece(1, { end: "complete" }),
    piece(2, { end: "lost" }),
    piece(3, { talkgroup: "ops.lost", end: "complete" }),
    piece(4, { talkgroup: "ops-2", end: "revoked" }),
    piece(5, { end: "revoked" }),
  ]);
  assert.equal(bench.files(), [
    "2026-06-01/120000.000-ops-2~revoked.opus",
    "2026-06-01/120000.000-ops.lost.opus",
    "2026-06-01/120000.000-ops.opus",
    "2026-06-01/120000.000-ops~2~lost.opus",
    "2026-06-01/120000.000-ops~3~revoked.opus",
  ]);
  keeper.close();
});

test("speech is read back as it was taken, without what stands for lost packets, and of a long burst its end", ({
  bench,
}) => {
  const keeper = bench.open();
  keeper.write([piece(1), piece(1, { speech: spoken(25, 30), end: "complete" })]);
  const read = (mostMs: number) => {
    const { speech } = keeper.answer({ ask: "speech", id: keeper.answer(all).entries[0]?.id ?? 0, mostMs });
    return [...speechIn(speech ?? new Uint8Array(0))];
  };
  assert.equal(
    read(60_000).map(({ position }) => position / 960),
    [...Array(25).keys(), ...Array.from({ length: 25 }, (_, index) => 30 + index)],
  );
  assert.equal(read(60_000)[27]?.payload, packet(32));
  assert.equal(
    read(100).map(({ position, payload }) => [position, payload[1]]),
    [50, 51, 52, 53, 54].map((number, index) => [index * 960, number]),
  );
  assert.equal(keeper.answer({ ask: "speech", id: 99, mostMs: 100 }), { entries: [] });
  keeper.close();
});

test("packets that overtook one another are in the order in which they were said", ({ bench }) => {
  const keeper = bench.open();
  const speech = packSpeech([2, 0, 3, 1].map((number) => ({ position: number * 960, payload: packet(number) })));
  const { dropped } = keeper.write([piece(1, { speech, end: "complete" })]);
  const { packets } = readRecording(readFileSync(keeper.answer(all).entries[0]?.file ?? "")) ?? { packets: [] };
  assert.equal([dropped, packets.map(([, number]) => number)], [0, [0, 1, 2, 3]]);
  keeper.close();
});

test("bursts are found by talkgroup, talker and time, the latest first", ({ bench }) => {
  const keeper = bench.open();
  for (let number = 0; number < 10; number++)
    keeper.write([
      piece(number, {
        talkgroup: number % 2 ? "sea" : "ops",
        talker: number % 3 ? "sip:a@x" : "sip:b@x",
        startedAt: noon + number * 1_000,
        end: "complete",
      }),
    ]);
  const found = (selection: object, most = 100) =>
    keeper.answer({ ask: "list", selection, most }).entries.map(({ startedAt }) => (startedAt - noon) / 1_000);
  assert.equal(found({}, 3), [9, 8, 7]);
  assert.equal(found({ talkgroups: ["sea"] }), [9, 7, 5, 3, 1]);
  assert.equal(found({ talkgroups: ["sea", "ops"], talker: "sip:b@x" }), [9, 6, 3, 0]);
  assert.equal(found({ talkgroups: [] }), []);
  assert.equal(found({ from: noon + 2_000, before: noon + 4_000 }), [3, 2]);
  keeper.close();
});

test("what a crash left is mended, whatever byte it was cut at, and nothing that cannot be heard stays", ({
  bench,
}) => {
  const first = bench.open();
  for (let batch = 0; batch < 3; batch++) first.write([piece(1, { speech: spoken(5, 5 * batch) })]);
  const part = join(bench.folder, "2026-06-01/120000.000-ops.part");
  const left = readFileSync(part);
  first.close();
  for (let cut = 0; cut <= left.length; cut++) {
    for (const name of bench.files()) rmSync(join(bench.folder, name));
    writeFileSync(part, left.subarray(0, cut));
    const sound = readRecording(left.subarray(0, cut));
    const mended = mend(part, "crash");
    assert.equal(bench.files(), sound ? ["2026-06-01/120000.000-ops~crash.opus"] : [], `cut at ${cut}`);
    if (!mended || !sound) continue;
    const again = readRecording(readFileSync(mended.path));
    assert.equal([again?.ended, again?.packets], [true, sound.packets], `cut at ${cut}`);
    assert.is(statSync(mended.path).size, sound.soundBytes, "and nothing behind it");
  }
});

test("what a crash left is in the index after the next start", ({ bench }) => {
  const first = bench.open();
  for (let batch = 0; batch < 3; batch++) first.write([piece(1, { speech: spoken(5, 5 * batch) })]);
  const name = "2026-06-01/120000.000-ops.part";
  const left = readFileSync(join(bench.folder, name)).subarray(0, -7);
  first.close();
  bench.remove();
  mkdirSync(join(bench.folder, "2026-06-01"), { recursive: true });
  writeFileSync(join(bench.folder, name), left);
  writeFileSync(join(bench.folder, "2026-06-01/120001.000-ops.part"), left.subarray(0, 60));
  const keeper = bench.open();
  assert.equal(keeper.write([]).found, { mended: 1, adopted: 0, missing: 0, unreadable: 0 });
  const [entry, ...others] = keeper.answer(all).entries;
  assert.equal([entry?.end, entry?.lengthMs, entry?.talker], ["crash", 180, "sip:alice@crew.example"]);
  assert.equal([others, bench.files()], [[], ["2026-06-01/120000.000-ops~crash.opus"]]);
  keeper.close();
});

test("the index follows the files: what it lacks is taken in, what is gone goes, and a damaged one is made anew", ({
  bench,
}) => {
  const first = bench.open();
  for (const number of [1, 2, 3])
    first.write([piece(number, { startedAt: noon + number, end: number === 2 ? "revoked" : "complete" })]);
  const before = first.answer(all).entries;
  first.close();
  for (const part of ["", "-wal", "-shm"]) rmSync(join(bench.folder, `index.db${part}`), { force: true });
  appendFileSync(join(bench.folder, "2026-06-01", "notes.txt"), "somebody's");
  appendFileSync(join(bench.folder, "2026-06-01", "music.opus"), "no recording");
  const second = bench.open();
  assert.equal(second.write([]).found, { mended: 0, adopted: 3, missing: 0, unreadable: 0 });
  assert.equal(second.answer(all).entries, before);
  second.close();

  rmSync(before[0]?.file ?? "");
  const third = bench.open();
  assert.equal(third.write([]).found, { mended: 0, adopted: 0, missing: 1, unreadable: 0 });
  third.close();

  truncateSync(join(bench.folder, "index.db"), 5_000);
  const fourth = bench.open();
  assert.equal(fourth.write([]).found, { mended: 0, adopted: 2, missing: 0, unreadable: 0 });
  assert.equal(
    fourth.answer(all).entries.map(({ end }) => end),
    ["revoked", "complete"],
  );
  assert.ok(bench.files().includes("2026-06-01/notes.txt") && bench.files().includes("2026-06-01/music.opus"));
  fourth.close();
});

test("one file that cannot be read, or is somebody else's and huge, keeps no log from opening", ({ bench }) => {
  const first = bench.open();
  first.write([piece(1, { end: "complete" })]);
  first.close();
  const day = join(bench.folder, "2026-06-01");
  // Larger than Node reads; it takes no room.
  writeFileSync(join(day, "film.opus"), "");
  truncateSync(join(day, "film.opus"), 3 * 2 ** 30);
  symlinkSync(join(day, "film.opus"), join(day, "linked.opus"));
  linkSync(join(day, "film.opus"), join(day, "130000.000-ops.part"));
  const again = bench.open();
  const { found, trouble } = again.write([piece(2, { startedAt: noon + 1, end: "complete" })]);
  assert.equal([found, trouble], [{ mended: 0, adopted: 0, missing: 0, unreadable: 0 }, undefined]);
  assert.is(again.answer(all).entries.length, 2);
  again.close();
});

test("a burst that the gateway does not outlive is cut, and heard up to there", ({ bench }) => {
  const keeper = bench.open();
  keeper.write([piece(1)]);
  keeper.close();
  const again = bench.open();
  const [entry] = again.answer(all).entries;
  assert.equal([entry?.end, entry?.lengthMs], ["crash", 500]);
  again.close();
});

test("the oldest go when they are too old, and when all take too much", ({ bench }) => {
  const keeper = bench.open({ mostAgeMs: 3 * day });
  for (let number = 0; number < 5; number++) {
    bench.wall = noon + number * day;
    keeper.write([piece(number, { startedAt: bench.wall, end: "complete" })]);
  }
  bench.wall += 1;
  keeper.write([]);
  assert.equal(
    bench.files().map((file) => file.slice(0, 10)),
    ["2026-06-02", "2026-06-03", "2026-06-04", "2026-06-05"].slice(1),
  );
  keeper.close();
  const bytes = statSync(join(bench.folder, bench.files()[0] ?? "")).size;
  const small = bench.open({ mostBytes: 2 * bytes });
  assert.is(small.write([]).heldBytes, 2 * bytes);
  assert.equal(
    small.answer(all).entries.map(({ startedAt }) => (startedAt - noon) / day),
    [4, 3],
  );
  small.close();
});

test("what a clock that was never set recorded is no thousand days old, and keeps nothing else from growing old", ({
  bench,
}) => {
  const keeper = bench.open({ mostAgeMs: day });
  keeper.write([piece(1, { startedAt: 5_000, end: "complete" }), piece(2, { startedAt: noon, end: "complete" })]);
  bench.wall = noon + 2 * day;
  keeper.write([]);
  assert.equal(bench.files(), ["1970-01-01/000005.000-ops.opus"]);
  keeper.close();
});

test("where the disk has no room that it may take, the oldest go, then recording stops, and begins again with the room", ({
  bench,
}) => {
  const first = bench.open();
  first.write([piece(1, { end: "complete" })]);
  first.close();
  const full = bench.open({ leastFreeBytes: Number.MAX_SAFE_INTEGER });
  const outcome = full.write([piece(2), piece(3, { end: "complete" })]);
  assert.match(outcome.trouble ?? "", /MB are free, and nothing is left to let go/);
  assert.equal([outcome.recorded, outcome.dropped, bench.files()], [0, 50, []]);
  full.close();
  const well = bench.open();
  const again = well.write([piece(4, { end: "complete" })]);
  assert.equal([again.trouble, again.recorded], [undefined, 1]);
  well.close();
});

test("a folder that cannot be is trouble, told each time, and taken when it can be", ({ bench }) => {
  const folder = join(bench.folder, "file");
  writeFileSync(folder, "");
  const keeper = bench.open({ folder });
  const outcome = keeper.write([piece(1)]);
  assert.match(outcome.trouble ?? "", /EEXIST|ENOTDIR/);
  assert.is(outcome.dropped, 25);
  assert.match(keeper.answer(all).trouble ?? "", /EEXIST|ENOTDIR/);
  rmSync(folder);
  assert.is(keeper.write([piece(1, { end: "complete" }), piece(2, { end: "complete" })]).recorded, 1);
  keeper.close();
});

test.run();
