import { test } from "uvu";
import * as assert from "uvu/assert";
import { header, headers } from "../../../firmware/sip/message.ts";
import { openSite } from "./site.ts";
import { openPeer, type Peer } from "./terminals.ts";

const register = { method: "REGISTER" } as const;
const wrong = { password: "wrong" };
const at = (host: string) => ({ host, port: 5060 });

test("who guesses at a password is not looked at for a while, even if right; the foreman at another address comes in at once", async () => {
  const site = await openSite();
  const mallory = await openPeer(site, "alice", at("10.0.0.66"));
  for (let guess = 0; guess < 11; guess++) assert.is((await mallory.ask(register, wrong)).status, 401);
  const refused = await mallory.ask(register);
  assert.equal([refused.status, header(refused, "retry-after")], [503, "2"]);
  assert.is((await mallory.say(register)).status, 401, "a request without a proof is challenged as ever");
  const alice = await openPeer(site, "alice", at("10.0.0.2"));
  assert.is((await alice.ask(register)).status, 200);
  await site.clock.advance(2_000);
  assert.is((await mallory.ask(register)).status, 200, "and the door opens again");
  assert.equal(site.server.refused, { wrongPassword: 11, notLookedAt: 1, heldBack: 0, anotherName: 0 });
  assert.equal(site.warned, ["wrong-password 10.0.0.66", "guessing 10.0.0.66"]);
  await site.close();
});

test("every method is one door: guesses by INVITE and SUBSCRIBE count, and are refused, as those by REGISTER", async () => {
  const site = await openSite();
  const mallory = await openPeer(site, "alice", at("10.0.0.66"));
  const methods = [
    register,
    { method: "SUBSCRIBE", headers: ["Event: conference", "Contact: <sip:a@10.0.0.66>"] },
    { method: "INVITE", body: "an offer" },
  ];
  for (let guess = 0; guess < 11; guess++)
    assert.is((await mallory.ask({ callId: `${guess}`, ...(methods[guess % 3] ?? register) }, wrong)).status, 401);
  for (const method of methods) assert.is((await mallory.ask({ ...method, callId: "last" })).status, 503);
  assert.equal([site.asked, site.told], [[], []]);
  await site.clock.advance(40_000);
  await site.close();
});

test("a hundred guesses in one request are four", async () => {
  const site = await openSite();
  const mallory = await openPeer(site, "alice", at("10.0.0.66"));
  const challenges = await mallory.challenges(register);
  const guesses = Array.from({ length: 100 }, (_, index) =>
    mallory.prove(register, challenges, { password: `${index}` }),
  );
  assert.is((await mallory.say(register, ...guesses)).status, 401);
  assert.is(site.server.refused.wrongPassword, 4);
  await site.close();
});

test("nonces that are stale, made up or stolen are no guesses, and give no hint: right and wrong are answered alike", async () => {
  const site = await openSite();
  const alice = await openPeer(site, "alice", at("10.0.0.2"));
  const mallory = await openPeer(site, "alice", at("10.0.0.66"));
  const stolen = await alice.challenges(register);
  const old = await mallory.challenges(register);
  await site.clock.advance(300_001);
  for (const challenges of [stolen, old, old.map((value) => value.replace(/nonce="..../, 'nonce="AAAA'))])
    for (const password of ["secret", "wrong"])
      for (let guess = 0; guess < 20; guess++) {
        const response = await mallory.say(register, mallory.prove(register, challenges, { password }));
        assert.is(response.status, 401);
        assert.match(headers(response, "www-authenticate").join(), /stale=true/);
      }
  assert.is(site.server.refused.wrongPassword, 0);
  assert.is((await mallory.ask(register)).status, 200);
  await site.close();
});

test("an account that is guessed at from many addresses answers wrong ones later and later, and right ones at once", async () => {
  const site = await openSite();
  /** How long a wrong password waits for its answer, ms; in steps of 20. */
  async function wait(host: string, said: Parameters<typeof bot.ask>[0] = register): Promise<[number, number[]]> {
    const bot = await openPeer(site, "alice", at(host));
    const proof = bot.prove(said, await bot.challenges(said), wrong);
    bot.raw.received.length = 0;
    bot.send(said, proof);
    const start = site.clock.now();
    while (!bot.raw.statuses().includes(401)) await site.clock.advance(20);
    return [site.clock.now() - start, bot.raw.statuses()];
  }
  const bot = await openPeer(site, "alice", at("10.0.9.1"));
  const waits: number[] = [];
  for (let guess = 0; guess < 34; guess++) waits.push((await wait(`10.0.7.${guess}`))[0]);
  assert.equal(waits.slice(28), [20, 20, 120, 220, 420, 820]);
  assert.is(site.server.refused.heldBack, 4);
  assert.is((await bot.ask(register)).status, 200, "the one who knows it waits for nothing");
  const [ms, statuses] = await wait("10.0.8.2", { method: "INVITE", body: "an offer" });
  assert.equal([ms, statuses], [1_620, [100, 401]], "a caller is told to wait");
  await site.close();
});

test("answers are held back for 256 at a time, and the rest are given at once: no room is taken that others need", async () => {
  const site = await openSite();
  const guesses: { readonly peer: Peer; readonly proof: string }[] = [];
  for (let index = 0; index < 340; index++) {
    const peer = await openPeer(site, "alice", at(`10.${1 + (index >> 7)}.9.${index & 127}`));
    guesses.push({ peer, proof: peer.prove(register, await peer.challenges(register), wrong) });
  }
  const send = (some: typeof guesses) => {
    for (const { peer, proof } of some) {
      peer.raw.received.length = 0;
      peer.send(register, proof);
    }
  };
  const late = guesses.slice(36);
  const answered = () => late.filter(({ peer }) => peer.raw.statuses().length > 0).length;
  send(guesses.slice(0, 36));
  await site.clock.advance(3_000);
  send(late);
  await site.clock.advance(20);
  assert.is(answered(), late.length - 256);
  await site.clock.advance(2_000);
  assert.is(answered(), late.length);
  send(late.slice(0, 5));
  await site.clock.advance(20);
  const before = site.clock.pending();
  site.server.close();
  assert.is(before - site.clock.pending(), 5, "a gateway that closes holds back nothing");
  await site.close();
});

test.run();
