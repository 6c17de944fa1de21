import { test } from "uvu";
import * as assert from "uvu/assert";
import { decodePresence, decodeStatus, encodePresence } from "../../../firmware/federation/body.ts";
import { decodeEnvelope, envelopeWriter } from "../../../firmware/federation/envelope.ts";
import { fitsTopic, realmTopics } from "../../../firmware/federation/topic.ts";
import { decodeTrunkFloor, encodeTrunkFloor } from "../../../firmware/federation/trunk-floor.ts";

const boot = { start: 0x0194_1f29_7c00, random: 0xa1b2_c3d4_e5f6 };
const body = Uint8Array.of(1, 2, 3);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const wire = (): Uint8Array => envelopeWriter("north")("media", boot, 0x10_0000_0001, body).slice();

test("an envelope on the wire is version, kind, seal, sender's length, boot, counter, sender, body", () => {
  assert.is(
    hex(wire()),
    ["01", "05", "00", "05", "01941f297c00a1b2c3d4e5f6", "001000000001", "6e6f727468", "010203"].join(""),
  );
});

test("an envelope is read as it was written, the largest counter too", () => {
  assert.equal(decodeEnvelope(wire()), {
    kind: "media",
    sender: "north",
    boot,
    counter: 0x10_0000_0001,
    body,
  });
  const last = decodeEnvelope(envelopeWriter("a")("gone", boot, 2 ** 48 - 1, new Uint8Array()));
  assert.ok(typeof last === "object" && last.counter === 2 ** 48 - 1 && last.kind === "gone");
});

test("a cut, an alien and a sealed envelope are told apart", () => {
  const spoil = (at: number, value: number): Uint8Array => wire().with(at, value);
  assert.is(decodeEnvelope(wire().subarray(0, 21)), "malformed");
  assert.is(decodeEnvelope(wire().subarray(0, 26)), "malformed");
  assert.is(decodeEnvelope(spoil(0, 2)), "unknown-version");
  assert.is(decodeEnvelope(spoil(1, 0)), "malformed");
  assert.is(decodeEnvelope(spoil(1, 7)), "malformed");
  assert.is(decodeEnvelope(spoil(2, 1)), "sealed");
  assert.is(decodeEnvelope(spoil(3, 0)), "malformed");
  assert.is(decodeEnvelope(spoil(4, 0xff).with(5, 0xff)), "malformed", "a start that leaves no room for a successor");
  assert.is(decodeEnvelope(spoil(22, "N".charCodeAt(0))), "malformed");
  assert.is(decodeEnvelope(new Uint8Array(100_000).fill(1)), "malformed");
});

test("a floor message is read as it was written, and none is written that does not fit", () => {
  const floor = { talkgroup: "größe", participant: "north/leg-1", epoch: 2 ** 32 - 1, priority: 300, message: body };
  const wire = encodeTrunkFloor(floor);
  assert.ok(wire);
  assert.is(hex(wire.subarray(0, 8)), "ffffffff012c070b");
  const read = decodeTrunkFloor(wire);
  assert.equal(read && { ...read, message: new Uint8Array(read.message) }, floor);
  assert.is(decodeTrunkFloor(wire.subarray(0, 20)), undefined);
  assert.is(encodeTrunkFloor({ ...floor, epoch: 2 ** 32 }), undefined);
  assert.is(encodeTrunkFloor({ ...floor, participant: "x".repeat(256) }), undefined);
  assert.is(encodeTrunkFloor({ ...floor, message: new Uint8Array(1_025) }), undefined);
});

test("presence beyond its bounds, or of other types, is none; members of a later version are passed over", () => {
  const read = (value: unknown) => decodePresence(Buffer.from(JSON.stringify(value)));
  const sound = { status: "available", talkgroups: ["alpha"] };
  assert.equal(read({ ...sound, mood: "good", __proto__: 1 }), sound);
  assert.equal(read({ ...sound, talkgroups: ["alpha", "alpha"] }), sound);
  for (const odd of [
    null,
    [],
    "available",
    { status: "available" },
    { ...sound, status: 1 },
    { ...sound, status: "x".repeat(65) },
    { ...sound, talkgroups: "alpha" },
    { ...sound, talkgroups: [""] },
    { ...sound, talkgroups: [{}] },
    { ...sound, talkgroups: Array.from({ length: 65 }, (_, index) => `t${index}`) },
  ]) {
    assert.is(read(odd), undefined, JSON.stringify(odd));
  }
  assert.is(decodePresence(Uint8Array.of(0x22, 0xff, 0x22)), undefined);
  const hearing = (listens: unknown) => read({ status: "busy", talkgroups: ["a"], listens });
  assert.equal(hearing(["b", "b", "c"]), { status: "busy", talkgroups: ["a"], listens: ["b", "c"] });
  assert.equal(hearing([]), { status: "busy", talkgroups: ["a"] });
  for (const listens of ["b", [1], [""], [null], {}, null, Array(65).fill("b"), ["x".repeat(129)]])
    assert.is(hearing(listens), undefined, JSON.stringify(listens));
  assert.is(decodeStatus(Buffer.from(`{"site":${"[".repeat(2_000)}`)), undefined);
  assert.is(encodePresence({ status: "x".repeat(65), talkgroups: [] }), undefined);
});

test("a user's name makes one topic level, whatever it holds", () => {
  const topics = realmTopics("field");
  for (const user of ["sip:alice@example.org", "a/b", "+", "#", "größe", "100%", "\0"]) {
    const topic = topics.presence("north", user);
    assert.not.match(topic.slice("roger/1/field/presence/north/".length), /[/+#\0]/);
    assert.equal(topics.placeOf(topic), { of: "presence", gateway: "north", user });
  }
  assert.not.throws(() => topics.presence("north", "\ud800"));
  for (const odd of ["%61", "%", "", "%zz", "x".repeat(800)]) {
    assert.is(topics.placeOf(`roger/1/field/presence/north/${odd}`), undefined, odd);
  }
  assert.is(topics.placeOf("roger/1/field/presence/NORTH/a"), undefined);
  assert.is(topics.placeOf("roger/1/field/gateway/north/status/more"), undefined);
  assert.is(topics.placeOf("roger/1/other/gateway/north/status"), undefined);
  assert.not.ok(fitsTopic(""));
  assert.not.ok(fitsTopic("ü".repeat(200)));
});

test.run();
