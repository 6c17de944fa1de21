import { test } from "uvu";
import * as assert from "uvu/assert";
import { receptionStats } from "../../../firmware/media/reception.ts";
import {
  buildRtcp,
  ntpMiddle,
  ntpTime,
  parseRtcp,
  type ReportBlock,
  roundTripMs,
} from "../../../firmware/media/rtcp.ts";
import { seeded } from "./signals.ts";

const block: ReportBlock = {
  ssrc: 0xdeadbeef,
  fractionLost: 64,
  lost: -3,
  highestSequence: 0x0001_0005,
  jitter: 480,
  lastReport: 0x9abc_def0,
  sinceLastReport: 0x0001_8000,
};
const sender = {
  ntp: { seconds: 3_900_000_000, fraction: 0x8000_0000 },
  timestamp: 4_000_000_000,
  packets: 7,
  octets: 420,
};
const report = { ssrc: 0x01020304, cname: "crew-7@site.example", sender, reports: [block] };

/** The report of a source of 20 ms packets at 48 kHz, heard as `arrivals` says: index of the packet, ms late. */
function heard(arrivals: readonly (readonly [packet: number, lateMs: number])[], firstSequence = 65_500) {
  const stats = receptionStats(48_000);
  for (const [packet, lateMs] of arrivals)
    stats.packet((firstSequence + packet) & 0xffff, (4_294_960_000 + packet * 960) >>> 0, 1000 + packet * 20 + lateMs);
  return stats;
}
const punctual = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => [from + index, 5] as const);

test("a sender's report with description and farewell is read back as it was built", () => {
  const packets = parseRtcp(buildRtcp({ ...report, bye: true }));
  assert.equal(packets, [
    { type: "sender-report", ssrc: report.ssrc, sender, reports: [block] },
    { type: "source-description", sources: [{ ssrc: report.ssrc, cname: report.cname }] },
    { type: "bye", sources: [report.ssrc] },
  ]);
});

test("who sent nothing reports as a receiver", () => {
  const packets = parseRtcp(buildRtcp({ ssrc: 5, cname: "", reports: [] }));
  assert.equal(packets?.[0], { type: "receiver-report", ssrc: 5, reports: [] });
});

test("an application packet is handed on whole, alone or in a compound", () => {
  const floor = Uint8Array.from(Buffer.from("80cc0003000000014d4350540001022a", "hex"));
  const [alone] = parseRtcp(floor) ?? [];
  assert.equal(alone, { type: "application", subtype: 0, ssrc: 1, name: "MCPT", packet: floor });
  const [, , behind] = parseRtcp(Uint8Array.from([...buildRtcp(report), ...floor])) ?? [];
  assert.equal(behind?.type === "application" && Buffer.from(behind.packet).equals(floor), true);
});

test("a compound of which any length is wrong is refused as a whole", () => {
  const sound = buildRtcp(report);
  assert.is(parseRtcp(sound.subarray(0, sound.length - 4)), undefined, "cut short");
  assert.is(parseRtcp(Uint8Array.from([...sound, 0x80])), undefined, "a stray byte behind");
  const greedy = sound.slice();
  greedy[0] = 0x80 | 31;
  assert.is(parseRtcp(greedy), undefined, "more blocks than it holds");
  const padded = sound.slice();
  padded[0] = 0xa1;
  assert.is(parseRtcp(padded), undefined, "padding inside");
  const endless = new Uint8Array(4 * 1000).map((_, index) => [0x80, 201, 0, 0][index % 4] ?? 0);
  assert.is(parseRtcp(endless), undefined, "a thousand sub-packets");
});

test("3,000 mutated reports never throw", () => {
  const random = seeded(2);
  const sound = buildRtcp({ ...report, bye: true });
  let read = 0;
  for (let count = 0; count < 3000; count++) {
    const packet = sound.slice(0, random() < 0.5 ? sound.length : 4 * Math.ceil((random() * sound.length) / 4));
    for (let flips = 0; flips < 3; flips++) packet[Math.floor(random() * packet.length)] = random() * 256;
    read += parseRtcp(packet)?.length ?? 0;
  }
  assert.ok(read > 500, `${read} sub-packets read`);
});

test("the round trip is what remains when the peer's own delay is taken off", () => {
  const sentAt = 1_700_000_000_250;
  const answer = { ...block, lastReport: ntpMiddle(ntpTime(sentAt)), sinceLastReport: 2 * 65_536 };
  const trip = roundTripMs(ntpTime(sentAt + 2000 + 80), answer) ?? -1;
  assert.ok(Math.abs(trip - 80) < 0.1, `${trip} ms`);
  assert.is(roundTripMs(ntpTime(sentAt), { ...block, lastReport: 0 }), undefined);
});

test("losses are counted for the interval and from the start, across the wrap-around", () => {
  const stats = heard([...punctual(0, 30), ...punctual(40, 100)]);
  const first = stats.report(9, 3000);
  assert.is(first?.lost, 10);
  assert.is(first?.fractionLost, Math.floor((10 * 256) / 100));
  assert.is(first?.highestSequence, 65_599, "one cycle and 63");
  for (const [packet] of punctual(100, 150)) stats.packet((65_500 + packet) & 0xffff, packet * 960, 1000 + packet * 20);
  const second = stats.report(9, 4000);
  assert.is(second?.lost, 10);
  assert.is(second?.fractionLost, 0);
});

test("packets out of order are not lost, and duplicates do not make a loss negative for the interval", () => {
  const swapped = punctual(0, 100).map(([packet]) => [packet ^ 1, 5] as const);
  assert.is(heard(swapped).report(9, 3000)?.lost, 0);
  const doubled = heard([...punctual(0, 50), ...punctual(45, 50)]).report(9, 3000);
  assert.is(doubled?.lost, -5);
  assert.is(doubled?.fractionLost, 0);
});

test("jitter follows what the network does, and a pause between bursts is no jitter", () => {
  assert.is(heard(punctual(0, 200)).report(9, 9000)?.jitter, 0);
  const swinging = Array.from({ length: 200 }, (_, packet) => [packet, packet % 2 === 0 ? 0 : 10] as const);
  assert.is(heard(swinging).report(9, 9000)?.jitter, 479, "10 ms at 48 kHz");
  const stats = heard(punctual(0, 50));
  stats.packet((65_500 + 50) & 0xffff, (4_294_960_000 + 50 * 960) >>> 0, 60_000);
  assert.is(stats.report(9, 61_000)?.jitter, 0);
});

test("one wild packet changes nothing; a source that restarts is counted anew", () => {
  const stats = heard(punctual(0, 50), 1000);
  stats.packet(40_000, 0, 3000);
  assert.is(stats.report(9, 3000)?.highestSequence, 1049);
  stats.packet(20_000, 0, 3100);
  stats.packet(20_001, 960, 3120);
  assert.is(stats.report(9, 3200)?.highestSequence, 20_001);
  assert.is(stats.report(9, 3200)?.lost, 0);
});

test.run();
