import { test } from "uvu";
import * as assert from "uvu/assert";
import { ownKeys, securedMedia } from "../../../firmware/media/secured.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";
import { nodeSrtp } from "../../../hal/srtp/node.ts";
import { masterLengths, type SrtpSuite } from "../../../hal/srtp/port.ts";

const gcm = "AEAD_AES_128_GCM";
const counter = "AES_CM_128_HMAC_SHA1_80";
const key = (suite: SrtpSuite, fill: number) => ({ suite, master: new Uint8Array(masterLengths[suite]).fill(fill) });
const isWiped = ({ master }: { readonly master: Uint8Array }): boolean => master.every((byte) => byte === 0);
const packet = Uint8Array.from({ length: 40 }, (_, at) => (at === 0 ? 0x80 : at));

test("keys that are not used any more are overwritten, and those that are stay", () => {
  const media = securedMedia(nodeSrtp());
  const [send, first, second] = [key(gcm, 1), key(gcm, 2), key(gcm, 3)];
  media.agree({ send, receive: first });
  media.agree({ send: key(gcm, 1), receive: key(gcm, 2) });
  assert.equal([send, first].map(isWiped), [false, false]);
  media.agree({ send, receive: second });
  assert.equal([send, first, second].map(isWiped), [false, true, false]);
  const other = key(counter, 4);
  media.agree({ send: other, receive: second });
  assert.not.ok(isWiped(send), "it may come back, and its numbers must not start anew");
  media.close();
  assert.equal([send, other, second].map(isWiped), [true, true, true]);
  assert.equal([media.sealRtp(packet), media.openRtp(Uint8Array.from(packet))], [undefined, undefined]);
});

test("a suite that is left and taken up again goes on in its numbers", () => {
  const [here, there] = [securedMedia(nodeSrtp()), securedMedia(nodeSrtp())];
  const say = (suite: SrtpSuite): boolean => {
    here.agree({ send: key(suite, 1), receive: key(suite, 2) });
    there.agree({ send: key(suite, 2), receive: key(suite, 1) });
    return here.sealRtp(packet) !== undefined;
  };
  assert.equal([say(gcm), say(counter), say(gcm)], [true, true, false], "the third would be the first again");
});

test("what one session sends by a suite is one key, and another of every other suite and session", () => {
  const random = seededRandom(1);
  const [one, other] = [ownKeys(random), ownKeys(random)];
  assert.is(one(gcm), one(gcm));
  assert.equal([one(gcm).length, one(counter).length], [28, 30]);
  assert.not.equal(one(gcm), one(counter).subarray(0, 28));
  assert.not.equal(one(gcm), other(gcm));
});

test.run();
