import { test } from "uvu";
import * as assert from "uvu/assert";
import { acknowledgeBit, encodeFloor, isFloorPacket } from "../../../firmware/floor/message.ts";
import {
  decodeSession,
  encodeSession,
  isSessionPacket,
  sessionReason,
  sessionType,
} from "../../../firmware/floor/session-message.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { sessionMessages } from "../../support/session-messages.ts";

const hex = (packet: Uint8Array): string => Buffer.from(packet).toString("hex");

test("every message is read back as it was written", () => {
  for (const message of sessionMessages) assert.equal(decodeSession(encodeSession(message, 7)), message);
});

test("a Connect has the bytes of TS 24.380 §8.3", () => {
  const packet = encodeSession(
    {
      type: "connect",
      session: "sip:o@e",
      sessionType: sessionType.chat,
      group: "sip:g",
      audioLine: 1,
      floorLine: 2,
      caller: "sip:al",
    },
    7,
  );
  const session = "0108 04 7369703a6f4065 0000";
  const expected = `80cc000b 00000007 4d435043 ${session} 0305 7369703a67 00 00020102 04020001 0506 7369703a616c`;
  assert.equal(hex(packet), expected.replaceAll(" ", ""));
});

test("a Disconnect names the session that is over, and an Acknowledgement its reason", () => {
  const gone = { session: "sip:ops", sessionType: sessionType.none };
  assert.equal(hex(encodeSession({ type: "disconnect", ...gone }, 7)).slice(0, 26), "81cc0005000000074d43504301");
  const answer = encodeSession({ type: "acknowledgement", ...gone, reason: sessionReason.busy }, 7);
  assert.is(hex(answer).slice(-8), "06020001");
});

test("a subtype that asks for an Acknowledgement is the same message", () => {
  const packet = encodeSession({ type: "disconnect", session: "sip:ops", sessionType: 4 }, 7);
  packet[0] = (packet[0] ?? 0) | acknowledgeBit;
  assert.is(decodeSession(packet)?.type, "disconnect");
});

test("it is told from floor control, and neither is read as the other", () => {
  const [connect] = sessionMessages;
  if (!connect) throw new Error("no message");
  const packet = encodeSession(connect, 7);
  const floor = encodeFloor({ type: "request" }, { ssrc: 7 });
  assert.equal([isSessionPacket(packet), isFloorPacket(packet)], [true, false]);
  assert.equal([isSessionPacket(floor), isFloorPacket(floor)], [false, true]);
  assert.is(decodeSession(floor), undefined);
});

test("broken packets decode to nothing or to something, and throw nothing", () => {
  const random = seededRandom(3);
  for (const message of sessionMessages)
    for (let round = 0; round < 300; round++) {
      const packet = encodeSession(message, 7);
      for (let flips = 0; flips < 3; flips++)
        packet[Math.floor(random.fraction() * packet.length)] = random.fraction() * 256;
      decodeSession(packet.subarray(0, random.fraction() * (packet.length + 1)));
    }
});

test.run();
