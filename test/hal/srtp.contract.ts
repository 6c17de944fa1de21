import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  longestTrailer,
  masterLengths,
  mostSources,
  replayWindow,
  type Srtp,
  SrtpError,
  type SrtpKey,
  type SrtpSuite,
} from "../../hal/srtp/port.ts";
import { seeded } from "../unit/media/signals.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const rtp = bytes(`800f1234 decafbad cafebabe ${"ab".repeat(16)}`);
const rtcp = bytes(`81c8000b cafebabe ${"ab".repeat(16)}`);

/** The reference packets of libsrtp (test/srtp_driver.c). The master key of the first is that of RFC 3711 §B.3. */
const references: readonly { readonly key: SrtpKey; readonly rtp: string; readonly rtcp: string }[] = [
  {
    key: {
      suite: "AES_CM_128_HMAC_SHA1_80",
      master: bytes("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6"),
    },
    rtp: "800f1234 decafbad cafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
    rtcp: "81c8000b cafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798",
  },
  {
    key: { suite: "AEAD_AES_128_GCM", master: bytes("000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab") },
    rtp: "800f1234 decafbad cafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
    rtcp: "81c8000b cafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001",
  },
];

/** An RTP packet that can be told by its number. */
export function numbered(sequence: number, source = 0x1234_5678): Uint8Array {
  const packet = Uint8Array.from({ length: 12 + 60 }, (_, at) => (at + sequence) & 0xff);
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x806f_0000 | (sequence & 0xffff));
  view.setUint32(4, (sequence * 960) >>> 0);
  view.setUint32(8, source);
  return packet;
}

type Protect = (packet: Uint8Array, into: Uint8Array) => number;

export function sealed(protect: Protect, packet: Uint8Array): Uint8Array {
  const into = new Uint8Array(packet.length + longestTrailer);
  return into.subarray(0, protect(packet, into));
}

/** What is in a packet; undefined for one that is dropped. The packet stays as it is. */
export function opened(unprotect: (packet: Uint8Array) => number, packet: Uint8Array): Uint8Array | undefined {
  const copy = Uint8Array.from(packet);
  const length = unprotect(copy);
  return length > 0 ? copy.subarray(0, length) : undefined;
}

/** Declares what every driver of the SRTP port must do. */
export function srtpContract(driver: string, srtp: Srtp): void {
  const suites = Object.keys(masterLengths) as SrtpSuite[];

  function story(name: string, body: (key: SrtpKey) => void): void {
    for (const { key } of references) test(`${driver}, ${key.suite}: ${name}`, () => body(key));
  }

  /** A sender and the receiver of the same key. */
  const pair = (key: SrtpKey) => ({ sender: srtp.sender(key), receiver: srtp.receiver(key) });

  for (const reference of references)
    test(`${driver}, ${reference.key.suite}: packets are as libsrtp and the standard have them`, () => {
      const { sender, receiver } = pair(reference.key);
      assert.equal(sealed(sender.protectRtp, rtp), bytes(reference.rtp));
      assert.equal(sealed(sender.protectRtcp, rtcp), bytes(reference.rtcp));
      assert.equal(opened(receiver.unprotectRtp, bytes(reference.rtp)), rtp);
      assert.equal(opened(receiver.unprotectRtcp, bytes(reference.rtcp)), rtcp);
      assert.equal(receiver.dropped, { forged: 0, replayed: 0, malformed: 0 });
    });

  story("a packet may be protected where it is, and one with contributors and an extension keeps its head", (key) => {
    const { sender, receiver } = pair(key);
    const packet = bytes(`926f0007 00000001 0a0b0c0d 11111111 22222222 bede0001 10ff0000 ${"5a".repeat(40)}`);
    const memory = new Uint8Array(packet.length + longestTrailer);
    memory.set(packet);
    const length = sender.protectRtp(memory.subarray(0, packet.length), memory);
    assert.equal(memory.slice(0, 28), packet.slice(0, 28));
    assert.not.equal(memory.slice(28, packet.length), packet.slice(28));
    assert.equal(opened(receiver.unprotectRtp, memory.subarray(0, length)), packet);
  });

  story("a packet with any bit changed is dropped and counted, and leaves the stream as it was", (key) => {
    const { sender, receiver } = pair(key);
    for (const [protect, unprotect, packet] of [
      [sender.protectRtp, receiver.unprotectRtp, numbered(100)],
      [sender.protectRtcp, receiver.unprotectRtcp, rtcp],
    ] as const) {
      const whole = sealed(protect, packet);
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const changed = Uint8Array.from(whole);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.is(opened(unprotect, changed), undefined, `bit ${bit}`);
      }
      const { forged, malformed } = receiver.dropped;
      assert.ok(forged + malformed > 0);
      assert.equal(opened(unprotect, whole), packet);
    }
    const { forged, replayed, malformed } = receiver.dropped;
    assert.is(replayed, 0);
    assert.ok(forged > 20 * malformed, `${forged} forged, ${malformed} malformed`);
  });

  story("plain packets, and those by another key, are forged", (key) => {
    const { receiver } = pair(key);
    const other = srtp.sender({ ...key, master: key.master.map((byte) => byte ^ 1) });
    assert.is(opened(receiver.unprotectRtp, numbered(1)), undefined);
    assert.is(opened(receiver.unprotectRtcp, bytes(`81c8000b cafebabe ${"00".repeat(60)}`)), undefined);
    assert.is(opened(receiver.unprotectRtp, sealed(other.protectRtp, numbered(2))), undefined);
    assert.is(opened(receiver.unprotectRtcp, sealed(other.protectRtcp, rtcp)), undefined);
    assert.is(receiver.dropped.forged + receiver.dropped.malformed, 4);
    assert.ok(receiver.dropped.forged >= 3);
  });

  story("a packet is taken once; late ones are taken within the window, and none behind it", (key) => {
    const { sender, receiver } = pair(key);
    const packets = Array.from({ length: replayWindow + 20 }, (_, index) => sealed(sender.protectRtp, numbered(index)));
    const take = (index: number) => opened(receiver.unprotectRtp, packets[index] ?? rtp);
    const last = packets.length - 1;
    for (const index of [0, 2, last]) assert.equal(take(index), numbered(index));
    for (const index of [0, 2, last]) assert.is(take(index), undefined, `${index} again`);
    assert.is(take(1), undefined, "too late to tell");
    assert.equal(take(last - replayWindow + 1), numbered(last - replayWindow + 1), "the latest that may come");
    assert.equal(take(last - 3), numbered(last - 3));
    assert.is(take(last - 3), undefined);
    const report = sealed(sender.protectRtcp, rtcp);
    assert.equal(opened(receiver.unprotectRtcp, report), rtcp);
    assert.is(opened(receiver.unprotectRtcp, report), undefined);
    assert.equal(receiver.dropped, { forged: 0, replayed: 6, malformed: 0 });
  });

  story("numbers wrap around, with losses and late packets at the turn", (key) => {
    const { sender, receiver } = pair(key);
    for (let turn = 0; turn < 3; turn++) {
      const from = turn * 65_536;
      for (const sequence of [from + 100, from + 30_000, from + 60_000])
        assert.equal(opened(receiver.unprotectRtp, sealed(sender.protectRtp, numbered(sequence))), numbered(sequence));
      const before = sealed(sender.protectRtp, numbered(from + 65_530));
      const after = sealed(sender.protectRtp, numbered(from + 65_540));
      assert.equal(opened(receiver.unprotectRtp, after), numbered(from + 65_540));
      assert.equal(opened(receiver.unprotectRtp, before), numbered(from + 65_530));
      assert.is(opened(receiver.unprotectRtp, before), undefined);
    }
  });

  story("a number is not used twice, and what is no packet is not sent", (key) => {
    const { sender } = pair(key);
    const into = new Uint8Array(2_000);
    assert.ok(sender.protectRtp(numbered(5), into) > 72);
    assert.is(sender.protectRtp(numbered(5), into), 0);
    assert.ok(sender.protectRtp(numbered(6), into) > 72);
    for (const length of [0, 1, 7, 11]) assert.is(sender.protectRtp(numbered(7).subarray(0, length), into), 0);
    for (const length of [0, 1, 7]) assert.is(sender.protectRtcp(rtcp.subarray(0, length), into), 0);
    assert.is(sender.protectRtp(numbered(7), new Uint8Array(72)), 0, "no room for its tag");
    const first = sealed(sender.protectRtcp, rtcp);
    assert.not.equal(sealed(sender.protectRtcp, rtcp), first, "reports are numbered by the session");
  });

  story("noise of every length is dropped, and speech is opened after it", (key) => {
    const { sender, receiver } = pair(key);
    const random = seeded(3);
    for (let count = 0; count < 4_000; count++) {
      const noise = Uint8Array.from({ length: count % 200 }, () => random() * 256);
      // Most of it looks like a packet of the kind.
      if (count % 3 > 0 && noise.length > 0) noise[0] = 0x80 | (random() * 64);
      assert.is(receiver.unprotectRtp(Uint8Array.from(noise)), 0);
      assert.is(receiver.unprotectRtcp(noise), 0);
    }
    assert.equal(opened(receiver.unprotectRtp, sealed(sender.protectRtp, numbered(9))), numbered(9));
  });

  story("sources come and go without end, and each is opened", (key) => {
    const { sender, receiver } = pair(key);
    for (let source = 1; source <= 10 * mostSources; source++)
      for (const sequence of [7, 8]) {
        const packet = numbered(sequence, source);
        const whole = sealed(sender.protectRtp, packet);
        assert.equal(opened(receiver.unprotectRtp, whole), packet);
        assert.is(opened(receiver.unprotectRtp, whole), undefined, "again");
      }
    // One that goes on beside them is not forgotten, nor its turn of numbers.
    for (const sequence of [60_000, 65_600, 90_000]) {
      for (let source = 1; source < mostSources; source++) sealed(sender.protectRtp, numbered(1, 1_000 + source));
      const packet = numbered(sequence, 77);
      assert.equal(opened(receiver.unprotectRtp, sealed(sender.protectRtp, packet)), packet);
    }
  });

  story("a closed session sends and takes nothing, and closing it again does nothing", (key) => {
    const { sender, receiver } = pair(key);
    const whole = sealed(sender.protectRtp, numbered(1));
    const master = Uint8Array.from(key.master);
    for (const closing of [sender, receiver, sender, receiver]) closing.close();
    assert.is(sealed(sender.protectRtp, numbered(2)).length, 0);
    assert.is(sealed(sender.protectRtcp, rtcp).length, 0);
    assert.is(opened(receiver.unprotectRtp, whole), undefined);
    assert.is(opened(receiver.unprotectRtcp, whole), undefined);
    assert.equal(receiver.dropped, { forged: 0, replayed: 0, malformed: 0 });
    assert.equal(key.master, master, "the key is its owner's");
  });

  test(`${driver}: a key of another length than its suite has is refused`, () => {
    for (const suite of suites)
      for (const length of [0, 16, masterLengths[suite] - 1, masterLengths[suite] + 1, 46])
        for (const open of [srtp.sender, srtp.receiver])
          assert.throws(
            () => open({ suite, master: new Uint8Array(length) }),
            (error: unknown) => error instanceof SrtpError,
          );
  });
}
