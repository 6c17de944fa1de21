import { test } from "uvu";
import * as assert from "uvu/assert";
import { guessing, networkOf, perAccount, perAddress, perNetwork } from "../../../firmware/presence/guessing.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";

const mallory = "203.0.113.66";
const foreman = "198.51.100.7";

function open() {
  const clock = virtualClock();
  return { clock, guesses: guessing(clock) };
}

test("ten wrong passwords cost nothing, and each further one closes the account to that address for twice as long, up to a minute", async () => {
  const { clock, guesses } = open();
  const costs: number[] = [];
  for (let guess = 1; guess <= 18; guess++) {
    guesses.wrong("alice", mallory);
    costs.push(guesses.closedFor("alice", mallory));
    await clock.advance(costs.at(-1) ?? 0);
    assert.is(guesses.closedFor("alice", mallory), 0, "it opens again");
  }
  assert.equal(costs.slice(0, perAddress.free), Array(10).fill(0));
  assert.equal(costs.slice(perAddress.free), [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

test("who guesses at an account locks out nobody who is elsewhere, nor another account where they are", () => {
  const { guesses } = open();
  for (let guess = 0; guess < 1_000; guess++) guesses.wrong("alice", mallory);
  assert.is(guesses.closedFor("alice", foreman), 0);
  assert.is(guesses.closedFor("bob", mallory), 0, "one phone with an old password costs its neighbours nothing");
  assert.ok(guesses.closedFor("alice", mallory) > 0);
});

test("who tries many accounts is closed to all of them, but for those that have proved themselves from there", async () => {
  const { clock, guesses } = open();
  guesses.right("foreman", mallory);
  let tries = 0;
  while (guesses.closedFor("nobody yet", mallory) === 0 && tries < 1_000) guesses.wrong(`user${tries++}`, mallory);
  assert.is(tries, perNetwork.free + 1);
  assert.is(guesses.closedFor("nobody yet", mallory), 4_000);
  assert.is(guesses.closedFor("foreman", mallory), 0);
  assert.is(guesses.closedFor("user0", foreman), 0);
  for (let more = 0; more < 20; more++) guesses.wrong(`more${more}`, mallory);
  assert.is(guesses.closedFor("nobody yet", mallory), perNetwork.longestMs);
  await clock.advance(perNetwork.longestMs);
  assert.is(guesses.closedFor("nobody yet", mallory), 0);
});

test("addresses of one IPv6 network are one guesser, but each of them proves itself", () => {
  const { guesses } = open();
  guesses.right("foreman", "2001:db8:1:2::7");
  for (let guess = 0; guess <= perNetwork.free; guess++) guesses.wrong(`user${guess}`, `2001:db8:1:2::${guess}`);
  assert.ok(guesses.closedFor("alice", "2001:db8:1:2:ffff::1") > 0);
  assert.is(guesses.closedFor("alice", "2001:db8:1:3::1"), 0);
  assert.is(guesses.closedFor("foreman", "2001:db8:1:2::7"), 0);
  assert.ok(guesses.closedFor("foreman", "2001:db8:1:2::8") > 0);
});

test("the network of an address", () => {
  for (const [host, network] of [
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::", "fe80:0:0:0::/64"],
    ["::ffff:192.0.2.7", "::ffff:192.0.2.7"],
  ] as const)
    assert.is(networkOf(host), network, host);
});

test("an account that is guessed at from everywhere is closed to nobody; its wrong answers are held back, 2 s at most", () => {
  const { guesses } = open();
  const held = Array.from({ length: 200 }, (_, index) => guesses.wrong("alice", `203.0.${index}.1`).heldBackMs);
  assert.equal(held.slice(0, perAccount.free), Array(30).fill(0));
  assert.equal(held.slice(perAccount.free, perAccount.free + 6), [100, 200, 400, 800, 1_600, 2_000]);
  assert.is(held.at(-1), 2_000);
  assert.is(guesses.closedFor("alice", foreman), 0);
  assert.is(guesses.wrong("bob", foreman).heldBackMs, 0);
});

test("the right password forgives what came before it, and a quarter of an hour without a guess forgives all", async () => {
  const { clock, guesses } = open();
  for (let guess = 0; guess < 10; guess++) guesses.wrong("alice", foreman);
  guesses.right("alice", foreman);
  for (let guess = 0; guess < 10; guess++) guesses.wrong("alice", foreman);
  assert.is(guesses.closedFor("alice", foreman), 0);
  for (let guess = 0; guess < 50; guess++) guesses.wrong(`user${guess}`, mallory);
  await clock.advance(900_001);
  for (const [user, host] of [
    ["alice", foreman],
    ["anybody", mallory],
  ] as const) {
    assert.is(guesses.wrong(user, host).news, "first", "it is news again");
    assert.is(guesses.closedFor(user, host), 0);
  }
});

test("each network is told of twice at most: when it begins, and when it is closed out", () => {
  const { guesses } = open();
  const news = Array.from({ length: 500 }, (_, index) => guesses.wrong(`user${index % 50}`, mallory).news);
  assert.equal(
    news.flatMap((each, index) => (each === undefined ? [] : [`${index} ${each}`])),
    ["0 first", "30 closed"],
  );
});

test("a flood of names and addresses is remembered in bounds, and forgets no more than it must", () => {
  const { guesses } = open();
  for (let guess = 0; guess < 20; guess++) guesses.wrong("alice", mallory);
  guesses.right("foreman", foreman);
  for (let index = 0; index < 4_000; index++)
    guesses.wrong(`${"x".repeat(5_000)}${index}`, `10.${index >> 8}.${index & 255}.1`);
  assert.ok(guesses.closedFor("alice", mallory) > 0);
  for (let index = 0; index < 97; index++) guesses.wrong(`${index}`, `10.200.0.${index}`);
  assert.is(guesses.closedFor("alice", mallory), 0, "the oldest go first");
});

test.run();
