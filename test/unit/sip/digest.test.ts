import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  answerChallenge,
  type DigestAlgorithm,
  digestGuard,
  type Ha1Lookup,
  ha1,
  type Verdict,
} from "../../../firmware/sip/digest.ts";
import { parseAuth } from "../../../firmware/sip/header.ts";
import { request } from "../../../firmware/sip/serialize.ts";
import type { Clock } from "../../../hal/clock/port.ts";
import type { Random } from "../../../hal/random/port.ts";

const realm = "example.org";
const uri = "sip:example.org";
const here = "192.0.2.7";

/** A guard with the account alice/secret, on a clock that the test moves. `seed` stands for the boot. */
function guarded(options: { algorithms?: readonly DigestAlgorithm[]; maxNonces?: number; seed?: number } = {}) {
  let time = 1_000;
  let count = (options.seed ?? 0) * 1_000_000;
  const clock: Clock = { now: () => time, wall: () => time, after: () => () => {}, every: () => () => {} };
  const bytes = (length: number) => {
    count++;
    return Uint8Array.from({ length }, (_, i) => (count >> (8 * (i % 4))) & 0xff);
  };
  const random: Random = { bytes, token: (length) => Buffer.from(bytes(length)).toString("hex"), fraction: () => 0.5 };
  const guard = digestGuard({ realm, clock, random, algorithms: ["SHA-256", "MD5"], ttlMs: 60_000, ...options });
  return {
    challenges: (stale?: boolean) => guard.challenges(here, stale),
    advance: (ms: number) => {
      time += ms;
    },
    verify: (authorization: string, source = here, target = uri): Verdict => {
      const parts = { uri: target, from: "<sip:a@b>", to: "<sip:a@b>", callId: "1", cseq: 1 };
      const claim = guard.read(request({ method: "REGISTER", ...parts }), authorization, source);
      return claim.ok ? guard.prove(claim, secretOf) : claim;
    },
  };
}

const secretOf: Ha1Lookup = (username, algorithm) =>
  username === "alice" ? ha1("alice", realm, "secret", algorithm) : undefined;

interface Answering {
  readonly nc?: number;
  readonly password?: string;
  readonly username?: string;
  readonly uri?: string;
  readonly cnonce?: string;
}

function answer(challenges: readonly string[], with_: Answering = {}): string {
  const base = { challenges, method: "REGISTER", uri, username: "alice", password: "secret", nc: 1, cnonce: "c0ffee" };
  const text = answerChallenge({ ...base, ...with_ });
  if (text === undefined) throw new Error("no answer");
  return text;
}

/** "ok", "refused" or "stale". */
const outcome = (verdict: Verdict) => (verdict.ok ? "ok" : verdict.stale ? "stale" : "refused");

const mufasa = { method: "GET", uri: "/dir/index.html", username: "Mufasa", nc: 1 };
const challenge7616 = (algorithm: string) =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
const answer7616 = {
  ...mufasa,
  password: "Circle of Life",
  cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

test("the examples of RFC 7616 §3.9.1 and RFC 2617 §3.5 come out to the letter", () => {
  for (const [algorithm, response] of [
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ] as const) {
    const { params } = parseAuth(answerChallenge({ ...answer7616, challenges: [challenge7616(algorithm)] }) ?? "");
    assert.is(params.get("response"), response);
    assert.is(params.get("opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
    assert.is(params.get("nc"), "00000001");
  }
  const challenges = [
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="x"',
  ];
  const old = answerChallenge({ ...mufasa, challenges, password: "Circle Of Life", cnonce: "0a4f113b" });
  assert.is(parseAuth(old ?? "").params.get("response"), "6629fae49393a05397450978507c4ef1");
});

test("of several challenges the strongest is answered, and none that lacks qop=auth", () => {
  const pick = (challenges: readonly string[]) => {
    const given = answerChallenge({ ...answer7616, challenges });
    return given && parseAuth(given).params.get("algorithm");
  };
  assert.is(pick([challenge7616("MD5"), challenge7616("SHA-256")]), "SHA-256");
  assert.is(pick([challenge7616("SHA-512-256"), challenge7616("MD5")]), "MD5");
  assert.is(
    pick(['Basic realm="x"', 'Digest realm="x', 'Digest realm="x", nonce="y"', challenge7616("AKAv1-MD5")]),
    undefined,
  );
});

test("SHA-256 is offered before MD5, and MD5 only where it is allowed", () => {
  const offers = (algorithms: readonly DigestAlgorithm[]) =>
    guarded({ algorithms })
      .challenges()
      .map((value) => parseAuth(value).params.get("algorithm"));
  assert.equal(offers(["MD5", "SHA-256"]), ["SHA-256", "MD5"]);
  assert.equal(offers(["SHA-256"]), ["SHA-256"]);
  const strict = guarded({ algorithms: ["SHA-256"] });
  const weakened = strict.challenges().map((value) => value.replace("SHA-256", "MD5"));
  assert.is(outcome(strict.verify(answer(weakened))), "refused");
});

test("the right password opens with either algorithm", () => {
  const { challenges, verify } = guarded();
  for (const challenge of challenges()) assert.is(outcome(verify(answer([challenge], { nc: challenge.length }))), "ok");
});

test("what does not prove the password is refused, and not as stale", () => {
  const { challenges, verify } = guarded();
  const good = answer(challenges());
  for (const [what, authorization] of [
    ["another password", answer(challenges(), { password: "Secret" })],
    ["an unknown user", answer(challenges(), { username: "mallory" })],
    ["another user's name put in", good.replace('"alice"', '"bob"')],
    ["another realm", good.replace(`realm="${realm}"`, 'realm="elsewhere"')],
    ["another digest-uri", answer(challenges(), { uri: "sip:elsewhere.org" })],
    ["a changed count", good.replace("nc=00000001", "nc=00000002")],
    ["count 0", answer(challenges(), { nc: 0 })],
    ["no qop", good.replace(", qop=auth", "")],
    ["auth-int", good.replace("qop=auth", "qop=auth-int")],
    ["no cnonce", answer(challenges(), { cnonce: "" })],
    ["an unknown algorithm", good.replace("SHA-256", "SHA-1")],
    ["a response cut short", good.replace(/response="../, 'response="')],
    ["another scheme", good.replace("Digest", "Basic")],
    ["a parameter twice", `${good}, username="alice"`],
    ["rubbish", 'Digest "'],
    ["nothing", ""],
  ] as const)
    assert.is(outcome(verify(authorization)), "refused", what);
  assert.is(outcome(verify(good)), "ok");
});

test("the digest-uri may be written otherwise, if it is the same URI", () => {
  const { challenges, verify } = guarded();
  assert.is(outcome(verify(answer(challenges(), { uri: "SIP:EXAMPLE.org" }))), "ok");
});

test("an answer sent twice is refused as stale", () => {
  const { challenges, verify } = guarded();
  const good = answer(challenges());
  assert.equal([outcome(verify(good)), outcome(verify(good))], ["ok", "stale"]);
});

test("counts may come out of order within a window of 32, each once", () => {
  const { challenges, verify } = guarded();
  const offer = challenges();
  const use = (nc: number) => outcome(verify(answer(offer, { nc })));
  assert.equal([40, 39, 9, 8, 41, 10, 9, 40, 39].map(use), [
    "ok",
    "ok",
    "ok",
    "stale",
    "ok",
    "ok",
    "stale",
    "stale",
    "stale",
  ]);
  assert.equal([100, 41, 73, 69, 68].map(use), ["ok", "stale", "ok", "ok", "stale"]);
});

test("a nonce is good for its time, its address and this boot only", () => {
  const { challenges, verify, advance } = guarded();
  assert.is(outcome(verify(answer(challenges()), "192.0.2.8")), "stale");
  assert.is(outcome(guarded({ seed: 1 }).verify(answer(challenges()))), "stale");
  const offer = challenges();
  advance(60_000);
  assert.is(outcome(verify(answer(offer, { nc: 1 }))), "ok");
  advance(1);
  assert.is(outcome(verify(answer(offer, { nc: 2 }))), "stale");
});

test("a nonce that was tampered with, or merely spelt otherwise, is stale", () => {
  const { challenges, verify } = guarded();
  const spelt = (change: (nonce: string) => string) =>
    outcome(
      verify(answer(challenges().map((value) => value.replace(/nonce="([^"]*)"/, (_, n) => `nonce="${change(n)}"`)))),
    );
  assert.is(
    spelt((nonce) => nonce),
    "ok",
  );
  assert.is(
    spelt((nonce) => `B${nonce.slice(1)}`),
    "stale",
  );
  assert.is(
    spelt((nonce) => `${nonce}=`),
    "stale",
  );
  assert.is(
    spelt((nonce) => `${nonce.slice(0, 9)} ${nonce.slice(9)}`),
    "stale",
  );
});

test("a nonce that memory had to forget is stale, never fresh again", () => {
  const { challenges, verify, advance } = guarded({ maxNonces: 3 });
  const answers = Array.from({ length: 5 }, () => {
    advance(10);
    return answer(challenges());
  });
  for (const good of answers) assert.is(outcome(verify(good)), "ok");
  for (const good of answers) assert.is(outcome(verify(good)), "stale");
  advance(10);
  assert.is(outcome(verify(answer(challenges()))), "ok");
});

test("a nonce that is not good is stale whatever the password: it tells nothing about it", () => {
  const { challenges, verify, advance } = guarded();
  const offer = challenges();
  const other = guarded({ seed: 1 }).challenges();
  for (const password of ["secret", "wrong"]) {
    assert.is(outcome(verify(answer(other, { password }))), "stale", `of another boot, ${password}`);
    assert.is(outcome(verify(answer(offer, { password }), "192.0.2.8")), "stale", `of another address, ${password}`);
  }
  advance(60_001);
  for (const password of ["secret", "wrong"])
    assert.is(outcome(verify(answer(offer, { password }))), "stale", `expired, ${password}`);
});

test("a stale challenge says so", () => {
  const { challenges } = guarded();
  for (const value of challenges(true)) assert.is(parseAuth(value).params.get("stale"), "true");
  for (const value of challenges()) assert.not(parseAuth(value).params.has("stale"));
});

test.run();
