import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadNative } from "../../hal/native/load.ts";
import { nativeSrtp } from "../../hal/srtp/native.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import { masterLengths, type Srtp, type SrtpSuite } from "../../hal/srtp/port.ts";
import { skip } from "../support/skip.ts";
import { seeded } from "../unit/media/signals.ts";
import { numbered, opened, sealed, srtpContract } from "./srtp.contract.ts";

const { native, reason } = loadNative();

srtpContract("SRTP over node:crypto", nodeSrtp());
if (native) {
  const addon = nativeSrtp(native.srtp);
  srtpContract("libsrtp2 in the native addon", addon);
  for (const [name, from, to] of [
    ["what node:crypto protects, libsrtp2 opens", nodeSrtp(), addon],
    ["what libsrtp2 protects, node:crypto opens", addon, nodeSrtp()],
  ] as const)
    test(name, () => agree(from, to));
} else skip("the SRTP contract over the native addon", reason);

function agree(from: Srtp, to: Srtp): void {
  const random = seeded(5);
  for (const suite of Object.keys(masterLengths) as SrtpSuite[]) {
    const key = { suite, master: Uint8Array.from({ length: masterLengths[suite] }, () => random() * 256) };
    const sender = from.sender(key);
    const receiver = to.receiver(key);
    // Past the turn of the numbers, with losses.
    for (let sequence = 60_000; sequence < 75_000; sequence += 1 + Math.floor(random() * 50)) {
      const packet = numbered(sequence).subarray(0, 12 + Math.floor(random() * 61));
      assert.equal(opened(receiver.unprotectRtp, sealed(sender.protectRtp, packet)), packet);
      const report = Uint8Array.from(packet);
      report.set([0x81, 0xc8, 0, 6]);
      assert.equal(opened(receiver.unprotectRtcp, sealed(sender.protectRtcp, report)), report);
    }
    assert.equal(receiver.dropped, { forged: 0, replayed: 0, malformed: 0 });
  }
}

test.run();
