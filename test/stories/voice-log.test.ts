import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { upsampler } from "../../firmware/media/resample.ts";
import { readRecording } from "../../firmware/recorder/ogg-reader.ts";
import { openEndpoint } from "../../firmware/sip/endpoint.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openRealm, type StoryRealm, type StorySite, speech } from "../support/realm.ts";
import { refusing } from "../support/sip-wire.ts";
import { openTerminal } from "../support/terminal.ts";
import { heardBy } from "../unit/conference/sound.ts";

const opus = await loadOpus();
const test = suite<{ realm: StoryRealm; folder: string }>("voice log");
test.before.each(async (story) => {
  story.realm = await openRealm();
  story.folder = mkdtempSync(join(tmpdir(), "roger-voice-log-"));
});
test.after.each(async ({ realm, folder }) => {
  await realm.close();
  assert.is(realm.clock.pending(), 0, "nothing is left running");
  rmSync(folder, { recursive: true });
});

const recordings = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.(opus|part)$/.test(name));

async function decoded(file: string): Promise<Int16Array> {
  const recording = readRecording(readFileSync(file));
  const decoder = await opus.decoder();
  const sound = new Int16Array(recording?.samples ?? 0);
  const into = new Int16Array(5_760);
  let at = 0;
  for (const packet of recording?.packets ?? []) {
    const samples = decoder.decode(packet, into);
    sound.set(into.subarray(0, samples), at);
    at += samples;
  }
  decoder.close();
  return sound;
}

async function burst(realm: StoryRealm, site: StorySite, said: Int16Array): Promise<void> {
  site.press();
  site.say(said);
  await realm.clock.advance(3_000);
  site.release();
  await realm.clock.advance(1_000);
}

const loudest = (samples: Int16Array): number => samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

test("a burst is in the log of both sites, whole, and who talked", async ({ realm, folder }) => {
  const [north, south] = [
    await realm.site("north", { voiceLog: join(folder, "north"), store: join(folder, "north.db") }),
    await realm.site("south", { voiceLog: join(folder, "south") }),
  ];
  await realm.clock.advance(5_000);
  const said = await speech("north", 3_000);
  await burst(realm, north, said);
  assert.ok(south);
  for (const site of ["north", "south"]) {
    const [file, ...others] = recordings(join(folder, site));
    assert.match(file ?? "", /^2025-01-01\/\d{6}\.\d{3}-ops\.opus$/);
    assert.equal(others, []);
    const path = join(folder, site, file ?? "");
    assert.is(readRecording(readFileSync(path))?.tags.get("ARTIST"), "sip:north-panel@crew.example");
    const { correlation, heard, missingAtStartMs, missingAtEndMs } = likeness(said, await decoded(path));
    assert.ok(correlation > 0.9 && heard >= 0.99, `${site}: ${correlation}, ${heard}`);
    assert.equal([missingAtStartMs, missingAtEndMs], [0, 0], site);
  }
});

test("the replay button plays the last burst on that loudspeaker alone, whole, and lights no lamp", async ({
  realm,
  folder,
}) => {
  const north = await realm.site("north", { voiceLog: join(folder, "north") });
  const south = await realm.site("south");
  await realm.clock.advance(5_000);
  const said = await speech("south", 3_000);
  await burst(realm, south, said);
  const [here, there] = [north.listen(), south.listen()];
  north.outside.press("replay", { bounce: true });
  await realm.clock.advance(200);
  north.outside.release("replay", { bounce: true });
  await realm.clock.advance(1_000);
  assert.equal([north.lamp("receive"), south.lamp("receive")], [false, false]);
  await realm.clock.advance(3_000);
  const { correlation, heard, missingAtStartMs, missingAtEndMs } = likeness(said, here.take());
  assert.ok(correlation > 0.85 && heard >= 0.98, `${correlation}, ${heard}`);
  assert.equal([missingAtStartMs, missingAtEndMs], [0, 0]);
  assert.ok(loudest(there.take()) < 100, "nothing is heard elsewhere");
  assert.is(recordings(folder).length, 1, "it is no burst");
});

test("who talks is heard at once, and what was replayed ends", async ({ realm, folder }) => {
  const north = await realm.site("north", { voiceLog: join(folder, "north") });
  const south = await realm.site("south");
  await realm.clock.advance(5_000);
  await burst(realm, south, await speech("south", 3_000));
  north.outside.press("replay");
  await realm.clock.advance(800);
  north.outside.release("replay");
  const ears = north.listen();
  const said = await speech("north", 3_000);
  south.press();
  south.say(said);
  await realm.clock.advance(2_990);
  south.release();
  await realm.clock.advance(1_000);
  const { correlation, heard, missingAtStartMs } = likeness(said, ears.take());
  assert.ok(correlation > 0.8 && heard >= 0.95, `${correlation}, ${heard}`);
  assert.is(missingAtStartMs, 0);
});

test("a telephone that dials *75 hears the last burst of its talkgroups, in that call alone, and nobody else's", async ({
  realm,
  folder,
}) => {
  const password = "story only";
  const accounts = ["phone", "stranger"]
    .map((user) => `  - { user: ${user}, password: "${password}", talkgroups: [${user === "phone" ? "ops" : ""}] }\n`)
    .join("");
  const north = await realm.site("north", { voiceLog: folder, accounts, alone: true });
  await realm.clock.advance(5_000);
  const said = await speech("north", 3_000);
  await burst(realm, north, said);
  const ears = north.listen();

  async function dial(user: string, host: string): Promise<{ status: number; heard: Int16Array; over: boolean }> {
    const machine = realm.network.host(host);
    const ports = { clock: realm.clock, network: machine };
    const terminal = await openTerminal(ports, { local: { host, port: 40_000 }, codec: "PCMA", floor: false });
    const endpoint = await openEndpoint(
      { ...ports, random: seededRandom(9), log: silent },
      { local: { host, port: 5060 }, userAgent: "phone" },
      refusing,
    );
    const outcome = { status: 0, over: false };
    const uri = "sip:*75@crew.example";
    endpoint.invite(
      {
        ...{ method: "INVITE", uri, from: `sip:${user}@crew.example`, to: uri },
        via: { transport: "udp", remote: { host: north.address, port: 5060 } },
        credentials: { username: user, password },
        body: { type: "application/sdp", content: terminal.offer() },
      },
      {
        onAnswer(response) {
          outcome.status = response.status;
          terminal.accept(new TextDecoder().decode(response.body));
        },
        onRefused(status) {
          outcome.status = status;
        },
        onEnd() {
          outcome.over = true;
        },
      },
    );
    await realm.clock.advance(6_000);
    const heard = await heardBy(terminal);
    terminal.close();
    await Promise.all([endpoint.close(), realm.clock.advance(1_000)]);
    return { ...outcome, heard };
  }

  const { status, over, heard } = await dial("phone", "10.0.3.1");
  assert.equal([status, over], [200, true]);
  const wide = new Int16Array(heard.length * 6);
  for (let index = 0, up = upsampler(); index + 160 <= heard.length; index += 160)
    up(heard.subarray(index), 160, wide.subarray(index * 6));
  const { correlation } = likeness(said, wide);
  assert.ok(correlation > 0.8, `correlation ${correlation}`);
  assert.ok(loudest(ears.take()) < 100, "nothing is heard at the board");
  const other = await dial("stranger", "10.0.3.2");
  assert.equal([other.status, other.over], [200, true]);
  assert.ok(other.heard.length < 8_000, "a tone, and no word");
});

test("where nothing was said yet, or nothing is recorded, the button does no harm", async ({ realm, folder }) => {
  const north = await realm.site("north", { voiceLog: join(folder, "north") });
  const south = await realm.site("south");
  await realm.clock.advance(5_000);
  const [here, there] = [north.listen(), south.listen()];
  for (const site of [north, south]) site.outside.press("replay");
  await realm.clock.advance(2_000);
  assert.ok(loudest(here.take()) > 1_000, "a tone says that there is nothing");
  assert.ok(loudest(there.take()) < 100);
  for (const site of [north, south]) site.outside.release("replay");
  await burst(realm, north, await speech("north", 3_000));
  assert.is(recordings(folder).length, 1);
});

test("a burst that the gateway's end cuts is in the log, up to there", async ({ realm, folder }) => {
  const north = await realm.site("north", { voiceLog: folder, alone: true, accounts: "" });
  await realm.clock.advance(5_000);
  north.press();
  await realm.clock.advance(2_000);
  await north.close();
  const [file, ...others] = recordings(folder);
  assert.match(file ?? "", /-ops~(lost|crash)\.opus$/);
  assert.equal(others, []);
  assert.ok((await decoded(join(folder, file ?? ""))).length > 48_000);
});

test.run();
