import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  causeWords,
  decodeFloor,
  denyCause,
  encodeFloor,
  type FloorMessage,
  isFloorPacket,
  revokeCause,
} from "../../../firmware/floor/message.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { barest, fullest } from "../../support/floor-messages.ts";

const ssrc = 0x8000_0001;
const messages: readonly FloorMessage[] = [...Object.values(fullest), ...barest];
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

test("every floor message is read back as it was written", () => {
  for (const message of messages)
    assert.equal(decodeFloor(encodeFloor(message, { ssrc })), { message, ssrc, acknowledge: false }, message.type);
});

test("a Floor Granted has the bytes of TS 24.380 §8.2", () => {
  const granted: FloorMessage = { type: "granted", durationS: 30, priority: 5, ssrc: 0x01020304, indicator: 0x8000 };
  const packet = encodeFloor(granted, { ssrc: 7, acknowledge: true });
  const expected = `91cc0007 00000007 4d435054  0102001e  0e06010203040000  00020500  0d028000`;
  assert.equal(Buffer.from(packet).toString("hex"), expected.replaceAll(" ", ""));
});

test("a text field is padded with zeros to a multiple of four bytes", () => {
  const packet = encodeFloor({ type: "release", userId: "sip:a" }, { ssrc: 7 });
  const expected = "84cc0004 00000007 4d435054  0605 7369703a61 00";
  assert.equal(Buffer.from(packet).toString("hex"), expected.replaceAll(" ", ""));
});

test("an Ack is asked for by the messages that may, and by no other", () => {
  const asking = messages.filter(
    (message) => decodeFloor(encodeFloor(message, { ssrc, acknowledge: true }))?.acknowledge,
  );
  const types = new Set(asking.map(({ type }) => type));
  assert.equal([...types].sort(), ["deny", "granted", "idle", "queue-info", "release", "taken"]);

  const revoke = encodeFloor(fullest.revoke, { ssrc });
  revoke[0] = (revoke[0] ?? 0) | 0x10;
  assert.is(decodeFloor(revoke), undefined);
});

test("fields that are not known are stepped over", () => {
  const idle = decodeFloor(bytes("85cc0006 00000001 4d435054 c803aabbcc000000 08020009 0b00 0000"));
  assert.equal(idle?.message, { type: "idle", sequence: 9 });
});

test("a mandatory field that is absent does not hide the message", () => {
  assert.equal(decodeFloor(bytes("86cc0002 00000001 4d435054"))?.message, { type: "revoke", cause: revokeCause.other });
  assert.equal(decodeFloor(bytes("82cc0002 00000001 4d435054"))?.message, {
    type: "taken",
    party: "",
    mayRequest: true,
    sequence: 0,
  });
});

test("what is not a well-formed floor packet decodes to nothing", () => {
  const malformed = {
    "nothing at all": "",
    "a receiver report": "80c90001 00000001",
    "an APP packet of another name": "85cc0003 00000001 506f4331 08020009",
    "another RTP version": "45cc0003 00000001 4d435054 08020009",
    "RTCP padding": "a5cc0003 00000001 4d435054 08020009",
    "a length beyond the datagram": "85cc0004 00000001 4d435054 08020009",
    "a length within the header": "85cc0001 00000001 4d435054",
    "a field beyond the packet": "85cc0003 00000001 4d435054 0803000900000000",
    "a field without its value": "85cc0003 00000001 4d435054 08000000",
    "a subtype of no message": "87cc0003 00000001 4d435054 08020009",
    "an Ack of nothing": "8acc0003 00000001 4d435054 0a020002",
  };
  for (const [what, hex] of Object.entries(malformed)) assert.is(decodeFloor(bytes(hex)), undefined, what);
});

test("every truncation of every message decodes to nothing, and every mutation without a throw", () => {
  const random = seededRandom(24_380);
  for (const message of messages) {
    const packet = encodeFloor(message, { ssrc });
    for (let length = 0; length < packet.length; length++)
      assert.is(decodeFloor(packet.subarray(0, length)), undefined);
    for (let round = 0; round < 500; round++) {
      const mutant = packet.slice();
      for (let hits = 0; hits < 3; hits++)
        mutant[Math.trunc(random.fraction() * mutant.length)] = random.bytes(1)[0] ?? 0;
      decodeFloor(mutant);
    }
  }
});

test("a message says the same when it lies within a larger buffer", () => {
  const packet = encodeFloor(fullest.granted, { ssrc });
  const larger = new Uint8Array(packet.length + 9).fill(0xff);
  larger.set(packet, 5);
  assert.equal(decodeFloor(larger.subarray(5))?.message, fullest.granted);
});

test("numbers are clamped, and a text is cut at 255 bytes between two characters", () => {
  const packet = encodeFloor({ type: "request", priority: 999, userId: "ü".repeat(500) }, { ssrc });
  assert.equal(decodeFloor(packet)?.message, { type: "request", priority: 255, userId: "ü".repeat(127) });

  const denied = decodeFloor(encodeFloor({ type: "deny", cause: -1, phrase: "x".repeat(500) }, { ssrc }))?.message;
  assert.equal(denied, { type: "deny", cause: 0, phrase: "x".repeat(253) });
});

test("a floor packet is told from the RTCP beside it", () => {
  assert.ok(isFloorPacket(encodeFloor(fullest.request, { ssrc })));
  assert.not(isFloorPacket(bytes("80c80006 00000001 00000000 00000000 00000000 00000000 00000000")));
  assert.not(isFloorPacket(bytes("80cc0002 00000001 4d435043")));
  assert.not(isFloorPacket(bytes("80cc0002 00000001 4d4350")));
});

test("causes have words for people", () => {
  assert.is(causeWords("deny", denyCause.taken), "someone else is talking");
  assert.is(causeWords("revoke", revokeCause.tooLong), "talked too long");
  assert.is(causeWords("revoke", 77), "other reason (77)");
});

test.run();
