import { test } from "uvu";
import * as assert from "uvu/assert";
import { type LinkEvent, type LinkState, type LinkTimer, linkMachine } from "../../../firmware/federation/link.ts";
import { type PeerEvent, type PeerState, type PeerTimer, peerMachine } from "../../../firmware/federation/peer.ts";
import type { Expiry, TimerEffect } from "../../../firmware/machine.ts";

const words = (effects: readonly (object & ({ readonly do: string } | TimerEffect<string>))[]): string =>
  effects
    .map((effect) => ("do" in effect ? effect.do : "start" in effect ? `+${effect.start}` : `-${effect.stop}`))
    .join(" ");

const settling = (echo: "awaited" | "overdue" | "seen"): LinkState => ({ in: "settling", echo });
const island: LinkState = { in: "island" };
const online: LinkState = { in: "online" };
const up: LinkEvent = { type: "link", up: true };
const down: LinkEvent = { type: "link", up: false };
const expired = (timer: LinkTimer): Expiry<LinkTimer> => ({ type: "expiry", timer });
const stops = "-echo -settle -beat -again";

const linkRows: readonly (readonly [string, LinkState, LinkEvent | Expiry<LinkTimer>, LinkState, string])[] = [
  ["the link comes up", island, up, settling("awaited"), "open-session announce +beat +echo +grace"],
  ["a link that is up comes up", online, up, online, ""],
  ["the own status comes back", settling("awaited"), { type: "echo" }, settling("seen"), "-echo +settle"],
  ["a beat comes back", online, { type: "echo" }, online, ""],
  ["the broker has had its time", settling("seen"), expired("settle"), online, "tell"],
  ["no echo", settling("awaited"), expired("echo"), settling("overdue"), "no-echo announce +beat +echo"],
  [
    "no echo yet, no second complaint",
    settling("overdue"),
    expired("echo"),
    settling("overdue"),
    "announce +beat +echo",
  ],
  ["a late echo", settling("overdue"), { type: "echo" }, settling("seen"), "-echo +settle"],
  ["the link goes down", online, down, island, `${stops} tell lose-session +grace`],
  ["the link goes down before anyone was told of it", settling("seen"), down, island, `${stops} lose-session +grace`],
  ["one's own will lies retained", settling("awaited"), { type: "contradicted" }, settling("awaited"), ""],
  ["a will comes late", online, { type: "contradicted" }, online, "+again"],
  ["the answer to it", online, expired("again"), online, "announce +beat"],
  ["the grace is over", island, expired("grace"), island, "purge"],
];

for (const [name, state, event, after, effects] of linkRows) {
  test(`link: ${name}`, () => {
    const [reached, done] = linkMachine(state, event);
    assert.equal(reached, after);
    assert.is(words(done), effects);
  });
}

const at = (name: PeerState["in"], counter = 5): PeerState => ({ in: name, counter });
const status = (counter: number): PeerEvent => ({ type: "status", counter });
const unheard = at("silent", 0);

const peerRows: readonly (readonly [string, PeerState, PeerEvent | Expiry<PeerTimer>, PeerState, string])[] = [
  ["a first status", unheard, status(5), at("live"), "+silence show-users recount"],
  ["a beat", at("live"), status(6), at("live", 6), "+silence"],
  ["a beat twice", at("live"), status(5), at("live"), ""],
  ["the link is lost", at("live"), { type: "link-lost" }, at("doubted"), "-silence recount"],
  ["the retained status again, after the link was lost", at("doubted"), status(5), at("live"), "+silence recount"],
  ["no sign after the link was lost", at("doubted"), { type: "grace-over" }, at("silent"), "hide-users forget-users"],
  ["no beats", at("live"), { type: "expiry", timer: "silence" }, at("silent"), "-silence hide-users recount"],
  ["a beat after silence", at("silent"), status(6), at("live", 6), "+silence show-users recount"],
  ["its will", at("live"), { type: "gone" }, at("gone"), "-silence hide-users forget-users recount"],
  ["a status from before its will", at("gone"), status(5), at("gone"), ""],
  ["it is back", at("gone"), status(6), at("live", 6), "+silence show-users recount"],
  ["another boot", at("live"), { type: "restarted" }, unheard, "-silence hide-users forget-users recount"],
  ["silent when the link is lost", at("silent"), { type: "link-lost" }, at("silent"), "forget-users"],
];

for (const [name, state, event, after, effects] of peerRows) {
  test(`peer: ${name}`, () => {
    const [reached, done] = peerMachine(state, event);
    assert.equal(reached, after);
    assert.is(words(done), effects);
  });
}

test.run();
