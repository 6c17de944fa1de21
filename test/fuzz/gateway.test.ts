/**
 * Bad input of every kind against two live gateways: 10,000 SIP messages, 10,000 RTP and RTCP packets, 10,000 MQTT payloads,
 * spoiled copies of what the gateways themselves say, while crews talk. Nothing may escape, nothing may pile up, and afterwards
 * everything works. ROGER_FUZZ_SEED=n throws other dice, ROGER_FUZZ_COUNT=n sends so many of each kind.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readRecording } from "../../firmware/recorder/ogg-reader.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type StoryRealm, type StorySite, settleMs, speech } from "../support/realm.ts";
import { type Attack, openAttack, type Way } from "./attack.ts";
import { openBrokenPhone } from "./broken-phone.ts";
import { type Dice, dice as diceOf } from "./dice.ts";
import { heapInUse } from "./heap.ts";
import { openRecorder, type Recorder } from "./recorder.ts";
import { visit } from "./visitor.ts";

const seed = Number(process.env["ROGER_FUZZ_SEED"] ?? 24_380);
const ofEachKind = Number(process.env["ROGER_FUZZ_COUNT"] ?? 10_000);
const rounds = 8;
/** Code is compiled, tables that have a limit are filled. */
const warmUpRounds = 3;
const ways: readonly Way[] = ["sip", "media", "mqtt"];
/** Every transaction, burst and made-up gateway has run out by then, and whoever lost a session has it again, s. */
const quietS = 120;
/** A refresh may be under way. */
const timersMore = 16;
/** What may be in use beyond that of the warm-up: code goes on being compiled (1 MB), and the sites' logs are kept; a leak keeps more of an input. */
const heapMore = 2 * 2 ** 20 + 20 * 3 * ofEachKind * (1 - warmUpRounds / rounds);
/** Datagrams and publications of an idle realm in a second: some tens. */
const calm = 3_000;
const password = "story only";
const accounts = ["visitor", "broken"]
  .map((user) => `  - { user: ${user}, password: "${password}", talkgroups: [ops] }`)
  .join("\n");

process.on("exit", (status) => {
  if (status !== 0) console.log(`ROGER_FUZZ_SEED=${seed} ROGER_FUZZ_COUNT=${ofEachKind} does this again`);
});

/** One presses and talks: the share of it that comes out at the other. */
async function heard({ clock }: StoryRealm, from: StorySite, to: StorySite): Promise<number> {
  const said = await speech("north", 1_500);
  const ears = to.listen();
  from.press();
  from.say(said);
  await clock.advance(1_500);
  from.release();
  await clock.advance(1_000);
  return likeness(said, ears.take()).heard;
}

async function strike(realm: StoryRealm, sites: readonly StorySite[], dice: Dice, attack: Attack): Promise<void> {
  const said = await speech("south", 1_500);
  const left = { sip: 0, media: 0, mqtt: 0 };
  for (const way of ways) left[way] = Math.ceil(ofEachKind / rounds);
  for (let due = ways.slice(); due.length > 0; due = due.filter((way) => left[way] > 0)) {
    for (let inputs = 1 + dice.below(5); inputs > 0; inputs--) {
      const way = dice.oneOf(due);
      if (left[way]-- > 0) attack.strike(way);
    }
    // A button goes down or up.
    if (dice.chance(0.02)) {
      const site = dice.oneOf(sites);
      if (dice.chance(0.5)) site.release();
      else site.press();
      site.say(said);
    }
    await realm.clock.advance(dice.oneOf([0, 1, 5, 20, 40, 100]));
  }
}

async function quiet({ clock }: StoryRealm, recorder: Recorder): Promise<void> {
  for (let second = 0; second < quietS; second++) {
    const before = recorder.heard();
    await clock.advance(1_000);
    const more = recorder.heard() - before;
    assert.ok(more < calm, `${more} messages in a second, and nobody does anything`);
  }
}

test("bad input leaves both gateways up and answering, the floor free, and memory bounded", async () => {
  const dice = diceOf(seed);
  const realm = await openRealm();
  // What is spoiled is recorded, too.
  const voiceLog = mkdtempSync(join(tmpdir(), "roger-fuzz-"));
  const north = await realm.site("north", { accounts, voiceLog });
  const south = await realm.site("south", { accounts });
  const sites = [north, south];
  const hosts = sites.map(({ address }) => address);
  const servers = hosts.map((host) => ({ host, port: 5_060 }));
  const recorder = openRecorder(realm, hosts);
  const local = { host: "10.0.8.8", port: 5_060 };
  const phone = await openBrokenPhone(realm.network.host(local.host), dice, {
    ...{ local, user: "broken", password },
    server: { host: north.address, port: 5_060 },
  });
  const attack = openAttack(
    {
      forge: realm.network.forge,
      connect: (from, to) => realm.network.host(from).connect(to),
      publish: recorder.publish,
    },
    dice,
    { samples: recorder, phone, servers },
  );

  await realm.clock.advance(settleMs);
  assert.ok((await heard(realm, north, south)) >= 0.9 && (await heard(realm, south, north)) >= 0.9);
  await quiet(realm, recorder);
  const timersBefore = realm.clock.pending();
  const heap: number[] = [];

  try {
    for (let round = 0; round < rounds; round++) {
      await strike(realm, sites, dice, attack);
      attack.rest();
      for (const site of sites) site.release();
      await quiet(realm, recorder);
      const timers = realm.clock.pending();
      assert.ok(timers <= timersBefore + timersMore, `${timers} timers wait, ${timersBefore} before round ${round}`);
      heap.push(await heapInUse());
    }
  } catch (error) {
    console.log(`the latest inputs:\n${attack.trail().join("\n")}`);
    throw error;
  }

  const [warm = 0, ...later] = heap.slice(warmUpRounds - 1);
  const inMegabytes = heap.map((bytes) => (bytes / 2 ** 20).toFixed(1)).join(" ");
  assert.ok(Math.max(...later) <= warm + heapMore, `MB in use after each round: ${inMegabytes}`);
  for (const { name, log } of sites) {
    assert.equal(
      log.filter(({ level }) => level === "error"),
      [],
    );
    assert.ok(log.length < 100 + ofEachKind / 2, `${name} counts what it drops and logs ${log.length} lines`);
  }

  for (const site of sites) {
    assert.not.ok(site.lamp("transmit") || site.lamp("receive"), `nobody talks at ${site.name}`);
    assert.ok(site.lamp("ready"), `the panel of ${site.name} has its session`);
    await visit(realm, site, password);
  }
  assert.ok((await heard(realm, north, south)) >= 0.9, "north is heard at south");
  assert.ok((await heard(realm, south, north)) >= 0.9, "south is heard at north");
  await recorder.close();
  await realm.close();
  const recordings = readdirSync(voiceLog, { recursive: true, encoding: "utf8" }).filter((name) =>
    /opus|part/.test(name),
  );
  assert.ok(recordings.length > 4, `${recordings.length} recordings`);
  for (const name of recordings) {
    const recording = readRecording(readFileSync(join(voiceLog, name)));
    assert.ok(recording?.ended && recording.samples < 48_000 * 45, `${name}: ${recording?.samples} samples`);
  }
  rmSync(voiceLog, { recursive: true });
  assert.is(realm.clock.pending(), 0, "nothing is left running");
});

test.run();
