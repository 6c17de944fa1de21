/** Keys of SRTP in session descriptions: RFC 4568. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ProtocolError } from "../../../firmware/sip/message.ts";
import { answerOffer, legOffer, readAnswer, type Security, type SrtpUse } from "../../../firmware/sip/negotiation.ts";
import { readCrypto } from "../../../firmware/sip/sdes.ts";
import { masterLengths, type SrtpSuite } from "../../../hal/srtp/port.ts";

const local = { host: "10.0.0.1", port: 20_000 };
const gcm = "AEAD_AES_128_GCM";
const counter = "AES_CM_128_HMAC_SHA1_80";
const inline = (suite: SrtpSuite, fill: number): string =>
  `inline:${Buffer.alloc(masterLengths[suite], fill).toString("base64")}`;
const remote = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n";
const media = (profile: string, port: number, ...crypto: readonly string[]): string =>
  [`m=audio ${port} ${profile} 0`, ...crypto.map((value) => `a=crypto:${value}`), ""].join("\r\n");
const phone = (profile: string, ...crypto: readonly string[]): string => remote + media(profile, 4_000, ...crypto);

const security = (use: SrtpUse): Security => ({
  use,
  key: (suite) => new Uint8Array(masterLengths[suite]).fill(suite === gcm ? 1 : 2),
});
const answer = (offer: string, use: SrtpUse) => answerOffer(offer, local, "7", { security: security(use) });
const refuses = (call: () => unknown, words: RegExp): void =>
  assert.throws(
    call,
    (error: unknown) => error instanceof ProtocolError && error.status === 488 && words.test(error.message),
  );

test("an attribute is used that asks for nothing but a suite and a key", () => {
  const key = inline(counter, 5);
  const usable = [
    `1 ${counter} ${key}`,
    `999999999 ${counter} ${key}|2^20`,
    `1 ${counter} ${key}|1048576`,
    `1\t${counter}  ${key} WSH=128`,
    `1 ${counter} ${key} -KDR=3 -NEW`,
    `1 ${gcm} ${inline(gcm, 5)}`,
    `1 ${gcm} ${inline(gcm, 5).replace(/=+$/, "")}`,
  ];
  for (const value of usable) assert.is(readCrypto([value]).length, 1, value);
  assert.equal(readCrypto(usable)[0]?.master, new Uint8Array(30).fill(5));
  assert.equal(
    readCrypto(usable).map(({ tag }) => tag),
    [1, 999_999_999, 1, 1, 1, 1, 1],
  );
});

test("an attribute that is broken, or asks for what is not done here, is as if it were not there", () => {
  const key = inline(counter, 5);
  const unusable = [
    "",
    "1",
    `1 ${counter}`,
    `1 ${counter} ${key};${key}`,
    `1 ${counter} ${key}|2^20|1:4`,
    `1 ${counter} ${key}|1:4`,
    `1 ${counter} ${key} KDR=1`,
    `1 ${counter} ${key} UNENCRYPTED_SRTP`,
    `1 ${counter} ${key} UNENCRYPTED_SRTCP`,
    `1 ${counter} ${key} UNAUTHENTICATED_SRTP`,
    `1 ${counter} ${key} FEC_ORDER=SRTP_FEC`,
    `1 ${counter} ${key} NEW`,
    `1 AES_CM_128_HMAC_SHA1_32 ${key}`,
    `1 toString ${key}`,
    `1 ${gcm} ${key}`,
    `1 ${counter} ${inline(gcm, 5)}`,
    `1 ${counter} ${key.slice(0, -1)}`,
    `1 ${counter} ${key}AAAA`,
    `1 ${counter} inline:${"*".repeat(40)}`,
    `1 ${counter} uri:https://keys.example`,
    `x ${counter} ${key}`,
    `1234567890 ${counter} ${key}`,
    `-1 ${counter} ${key}`,
  ];
  for (const value of unusable) assert.equal(readCrypto([value]), [], value);
  assert.is(readCrypto(Array.from({ length: 500 }, () => `1 ${counter} ${key}`)).length, 16);
});

test("RTP/SAVP is answered by the first key that can be used, under its tag, with a key of our own", () => {
  const offer = phone(
    "RTP/SAVP",
    "3 F8_128_HMAC_SHA1_80 inline:x",
    `7 ${counter} ${inline(counter, 9)}`,
    `8 ${gcm} ${inline(gcm, 9)}`,
  );
  const { agreement, answer: sdp } = answer(offer, "accepted");
  assert.match(sdp, /^m=audio 20000 RTP\/SAVP 0\r$/m);
  assert.equal(sdp.match(/^a=crypto:.*$/gm), [`a=crypto:7 ${counter} ${inline(counter, 2)}`]);
  assert.is(agreement.secured?.receive.suite, counter);
  assert.equal(agreement.secured?.receive.master, new Uint8Array(30).fill(9));
  assert.equal(agreement.secured?.send.master, new Uint8Array(30).fill(2));
});

test("of a plain and a secured line the secured one is spoken, whichever comes first", () => {
  const key = `1 ${gcm} ${inline(gcm, 9)}`;
  for (const offer of [
    remote + media("RTP/AVP", 4_000) + media("RTP/SAVP", 4_002, key),
    remote + media("RTP/SAVP", 4_002, key) + media("RTP/AVP", 4_000),
  ]) {
    const { agreement, answer: sdp } = answer(offer, "accepted");
    assert.ok(agreement.secured);
    assert.is(agreement.audio.port, 4_002);
    assert.match(sdp, /^m=audio 0 RTP\/AVP/m);
    assert.is(answer(offer, "off").agreement.audio.port, 4_000);
    assert.is(answer(offer, "off").agreement.secured, undefined);
  }
});

test("keys beside RTP/AVP mean nothing: it is plain, or refused where SRTP is required", () => {
  const offer = phone("RTP/AVP", `1 ${gcm} ${inline(gcm, 9)}`);
  const { agreement, answer: sdp } = answer(offer, "offered");
  assert.is(agreement.secured, undefined);
  assert.not.match(sdp, /crypto|SAVP/);
  refuses(() => answer(offer, "required"), /RTP\/AVP/);
});

test("RTP/SAVP is refused where it is off, and where none of its keys can be used", () => {
  refuses(() => answer(phone("RTP/SAVP", `1 ${gcm} ${inline(gcm, 9)}`), "off"), /RTP\/SAVP/);
  refuses(() => answer(phone("RTP/SAVP"), "accepted"), /a=crypto/);
  refuses(() => answer(phone("RTP/SAVP", `1 ${counter} ${inline(counter, 9)}|2^20|1:4`), "accepted"), /MKI/);
  refuses(() => answer(phone("RTP/SAVPF", `1 ${gcm} ${inline(gcm, 9)}`), "accepted"), /RTP\/SAVPF/);
  refuses(() => answerOffer(phone("RTP/SAVP", `1 ${gcm} ${inline(gcm, 9)}`), local, "7"), /RTP\/SAVP/);
});

test("an offer names both suites, each with a key of its own, and one of them is taken by its tag", () => {
  for (const use of ["offered", "required"] as const) {
    const offer = legOffer(local, "7", security(use));
    assert.match(offer, /^m=audio 20000 RTP\/SAVP 111 /m);
    assert.equal(offer.match(/^a=crypto:.*$/gm), [
      `a=crypto:1 ${gcm} ${inline(gcm, 1)}`,
      `a=crypto:2 ${counter} ${inline(counter, 2)}`,
    ]);
    const { secured } = readAnswer(phone("RTP/SAVP", `2 ${counter} ${inline(counter, 9)}`), security(use));
    assert.equal(secured?.send.master, new Uint8Array(30).fill(2));
    assert.equal(secured?.receive.master, new Uint8Array(30).fill(9));
  }
  for (const use of ["off", "accepted"] as const) assert.not.match(legOffer(local, "7", security(use)), /SAVP|crypto/);
});

test("an answer that takes a key that was not offered, or none, is refused: nothing falls back to plain", () => {
  const read = (sdp: string, use: SrtpUse) => () => readAnswer(sdp, security(use));
  refuses(read(phone("RTP/SAVP", `2 ${gcm} ${inline(gcm, 9)}`), "offered"), /not offered/);
  refuses(read(phone("RTP/SAVP", `9 ${counter} ${inline(counter, 9)}`), "offered"), /not offered/);
  refuses(read(phone("RTP/AVP", `1 ${gcm} ${inline(gcm, 9)}`), "offered"), /RTP\/AVP/);
  refuses(read(phone("RTP/SAVP"), "offered"), /a=crypto/);
  refuses(read(phone("RTP/SAVP", `1 ${gcm} ${inline(gcm, 9)}`), "accepted"), /RTP\/SAVP/);
});

test.run();
