import { test } from "uvu";
import * as assert from "uvu/assert";
import { jitterBuffer } from "../../../firmware/media/jitter-buffer.ts";
import { seeded } from "./signals.ts";

interface Sent {
  /** Index of the packet, 20 ms each. */
  readonly packet: number;
  readonly arrivalMs: number;
  readonly marker?: boolean;
}

/** A buffer and a loudspeaker that takes every 20 ms, from 7 ms after the full. What it plays is the packets' indices. */
function listener(firstSequence = 100, firstTimestamp = 5000) {
  const buffer = jitterBuffer(48_000);
  const played: string[] = [];
  let now = -13;

  function arrive({ packet, arrivalMs, marker = false }: Sent, sequence = packet): void {
    const timestamp = (firstTimestamp + packet * 960) >>> 0;
    buffer.insert(
      (firstSequence + sequence) & 0xffff,
      timestamp,
      marker,
      Uint8Array.from([packet >> 8, packet]),
      arrivalMs,
    );
  }
  /** Plays until `untilMs`, packets arriving on the way. */
  function listen(sent: readonly Sent[], untilMs: number): void {
    const arriving = [...sent].sort((a, b) => a.arrivalMs - b.arrivalMs);
    while (now + 20 <= untilMs) {
      now += 20;
      for (let first = arriving[0]; first && first.arrivalMs <= now; first = arriving[0]) {
        arrive(first);
        arriving.shift();
      }
      const taken = buffer.take(now);
      const [high = 0, low = 0] = buffer.payload();
      played.push(taken === "packet" ? `${high * 256 + low}` : taken === "lost" ? "x" : ".");
    }
  }
  const heard = (): string => played.join(" ").replaceAll(/^(\. )+|( \.)+$/g, "");
  return { buffer, played, arrive, listen, heard };
}

/** Packets from `from` on, of which each is `late(packet)` ms under way. */
function stream(from: number, to: number, late: (packet: number) => number, startMs = 0): Sent[] {
  return Array.from({ length: to - from }, (_, index) => {
    const packet = from + index;
    return { packet, arrivalMs: startMs + index * 20 + late(packet), marker: index === 0 };
  });
}
const numbers = (from: number, to: number): string => Array.from({ length: to - from }, (_, k) => from + k).join(" ");

test("a punctual burst is played whole, from the target depth on after its first packet", () => {
  const { listen, played, heard } = listener();
  listen(
    stream(0, 50, () => 30),
    2000,
  );
  assert.is(heard(), numbers(0, 50));
  assert.is(played.indexOf("0"), 4, "arrived at 30 ms, due at 70, played at 87");
});

test("packets out of order are put in order, over the wrap-around of sequence and timestamp too", () => {
  const { listen, heard } = listener(65_520, 4_294_967_296 - 20 * 960);
  listen(
    stream(0, 50, (packet) => (packet % 2 === 0 ? 35 : 5)),
    2000,
  );
  assert.is(heard(), numbers(0, 50));
});

test("a first packet that is overtaken by the second is played first and without a break, marked or not", () => {
  for (const marker of [true, false]) {
    const { listen, played, heard } = listener();
    const sent = stream(0, 20, (packet) => (packet === 0 ? 30 : 0));
    listen(
      sent.map((packet) => ({ ...packet, marker: marker && packet.packet === 0 })),
      1000,
    );
    assert.is(heard(), numbers(0, 20));
    assert.is(played.indexOf("0"), 3, "due 40 ms after the one that came first, at 20");
  }
});

test("a lost packet is told when its turn comes, with the next one there to recover it", () => {
  const { buffer, arrive } = listener();
  for (const packet of [0, 1, 3, 4]) arrive({ packet, arrivalMs: packet * 20, marker: packet === 0 });
  const taken = [90, 110, 130].map((now) => buffer.take(now));
  assert.equal(taken, ["packet", "packet", "lost"]);
  assert.equal([...(buffer.following() ?? [])], [0, 3]);
  assert.is(buffer.counters.lost, 1);
});

test("a duplicate is dropped, before its turn and after it", () => {
  const { buffer, listen, heard } = listener();
  const sent = stream(0, 30, () => 10);
  listen(
    [...sent, ...stream(0, 30, () => 11).map((packet) => ({ ...packet, marker: false })), ...stream(0, 30, () => 200)],
    1500,
  );
  assert.is(heard(), numbers(0, 30));
  assert.is(buffer.counters.duplicate, 30);
});

test("a packet that comes after its turn was passed over is counted as late, and the order stands", () => {
  const { buffer, listen, heard } = listener();
  listen(
    stream(0, 30, (packet) => (packet === 10 ? 150 : 0)),
    1500,
  );
  assert.is(heard(), `${numbers(0, 10)} x ${numbers(11, 30)}`);
  assert.is(buffer.counters.late, 1);
});

test("a spike is waited out without losing a packet, the next burst is deeper, and a quiet network brings it back", () => {
  const { buffer, listen, played } = listener();
  const spike = (packet: number): number => (packet >= 40 && packet < 46 ? 120 - (packet - 40) * 20 : 0);
  const sent = stream(0, 200, spike);
  listen(sent.slice(0, 170), 3390);
  assert.ok(buffer.surplus() > 0, "what has gathered is more than it needs");
  listen(sent.slice(170), 5000);
  assert.equal(
    played.filter((what) => what !== "."),
    numbers(0, 200).split(" "),
  );
  assert.is(buffer.counters.lost + buffer.counters.late, 0);
  const after = buffer.targetMs();
  assert.ok(after > 42, `${after} ms after the spike`);
  listen(
    stream(300, 2300, () => 0, 6000),
    47_000,
  );
  assert.is(buffer.targetMs(), 40, `${buffer.targetMs()} ms on a quiet network`);
});

test("a network that swings by 60 ms is learned within a burst; the next one plays without a break", () => {
  const { buffer, listen, played } = listener();
  const random = seeded(3);
  listen(
    stream(0, 200, () => random() * 60),
    5000,
  );
  const first = played.length;
  listen(
    stream(300, 500, () => random() * 60, 6000),
    11_000,
  );
  assert.ok(buffer.targetMs() > 60 && buffer.targetMs() <= 120, `${buffer.targetMs()} ms`);
  const second = played
    .slice(first)
    .join(" ")
    .replaceAll(/^(\. )+|( \.)+$/g, "");
  assert.is(second, numbers(300, 500));
});

test("no jitter makes the buffer deeper than 120 ms", () => {
  const { buffer, listen } = listener();
  const random = seeded(4);
  listen(
    stream(0, 300, () => random() * 900),
    8000,
  );
  assert.is(buffer.targetMs(), 120);
});

test("a burst that starts while the last one still plays waits for its own depth", () => {
  const { buffer, arrive } = listener();
  for (let packet = 0; packet < 5; packet++) arrive({ packet, arrivalMs: packet * 20, marker: packet === 0 });
  arrive({ packet: 30, arrivalMs: 130, marker: true }, 5);
  const taken = [60, 80, 100, 120, 140, 160, 180].map((now) => buffer.take(now));
  assert.equal(taken, ["packet", "packet", "packet", "packet", "packet", "empty", "packet"]);
});

test("the first packet of a burst close behind another is played first, even when the second overtakes it", () => {
  const { listen, heard } = listener();
  const first = stream(0, 20, () => 0);
  // The sequence runs on; 160 ms of silence are in the timestamps alone.
  const second = stream(28, 40, (packet) => (packet === 28 ? 30 : 0), 28 * 20);
  const { buffer, arrive } = listener();
  for (const sent of first) arrive(sent);
  for (let now = 60; now < 460; now += 20) assert.is(buffer.take(now), "packet");
  for (const sent of second.toSorted((a, b) => a.arrivalMs - b.arrivalMs)) {
    arrive(sent, sent.packet - 8);
    if (sent.arrivalMs < 600) assert.is(buffer.take(sent.arrivalMs), "empty");
  }
  assert.is(buffer.take(720), "packet");
  assert.equal([...buffer.payload()], [0, 28]);
  listen(first, 600);
  assert.is(heard(), numbers(0, 20));
});

test("a straggler of a burst that is over does not start another", () => {
  const { buffer, listen, heard } = listener();
  listen([...stream(0, 20, () => 0), { packet: 15, arrivalMs: 900 }], 1500);
  assert.is(heard(), numbers(0, 20));
  assert.is(buffer.counters.late, 1);
});

test("a loss that a stall has already stood in for is not made up again", () => {
  const { buffer, listen, played } = listener();
  const sent = stream(0, 40, (packet) => (packet > 10 ? 100 : 0)).filter(
    ({ packet }) => packet !== 11 && packet !== 12,
  );
  listen(sent, 1500);
  assert.is(buffer.counters.lost, 2);
  assert.not(played.includes("x"), played.join(" "));
});

test("a source that restarts its numbers is heard: at once after a pause or with a marker, else from its second packet", () => {
  const { buffer, listen } = listener();
  const says = (sequence: number, marker: boolean, arrivalMs: number): void =>
    buffer.insert(sequence, sequence * 960, marker, Uint8Array.from([sequence >> 8]), arrivalMs);
  const hears = (nowMs: number): number | undefined =>
    buffer.take(nowMs) === "packet" ? buffer.payload()[0] : undefined;
  listen(
    stream(0, 20, () => 0),
    1500,
  );
  says(40_000, false, 2000);
  assert.is(hears(2050), 40_000 >> 8, "after a pause");
  says(1000, true, 2060);
  assert.is(hears(2110), 1000 >> 8, "with a marker");
  says(30_000, false, 2120);
  assert.is(hears(2170), undefined, "a stray packet is none");
  says(1001, false, 2171);
  assert.is(hears(2172), 1001 >> 8, "and disturbs nothing");
  says(50_000, false, 2180);
  says(50_001, false, 2200);
  assert.is(hears(2300), 50_001 >> 8, "from its second packet");
});

test("two clocks that differ by 200 ppm neither starve nor fill the buffer in a burst of 30 s", () => {
  for (const drift of [1.0002, 0.9998]) {
    const { buffer, listen, heard } = listener();
    listen(
      stream(0, 1500, (packet) => packet * 20 * (drift - 1)),
      31_000,
    );
    assert.is(heard(), numbers(0, 1500));
    assert.is(buffer.surplus(), 0);
  }
});

test("10,000 hostile packets leave the buffer bounded, and a burst behind them is heard", () => {
  const random = seeded(5);
  const { buffer, arrive } = listener();
  for (let count = 0; count < 10_000; count++) {
    const payload = new Uint8Array(random() < 0.1 ? 2000 * random() : 20);
    const near = random() < 0.5 ? random() * 200 : random() * 65_536;
    buffer.insert(Math.floor(near), Math.floor(random() * 2 ** 32), random() < 0.2, payload, count * 3);
    if (random() < 0.5) buffer.take(count * 3 * (0.9 + random() * 0.2));
    assert.ok(buffer.targetMs() > 0 && buffer.targetMs() <= 120);
  }
  for (let now = 30_000; now < 33_000; now += 20) buffer.take(now);
  arrive({ packet: 3, arrivalMs: 40_000, marker: true });
  assert.is(buffer.take(40_130), "packet");
  assert.equal([...buffer.payload()], [0, 3]);
});

test.run();
