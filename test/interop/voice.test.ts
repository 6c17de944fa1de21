/** A phone whose user presses nothing: it is keyed by what is said into it, or by keys that sound in its voice. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loudness } from "../../firmware/media/level.ts";
import { createWav, readWav } from "../../hal/audio/wav.ts";
import { ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";
import { baresip, type Phone } from "./baresip.ts";
import { narrow } from "./narrow.ts";
import { type TwoSites, twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip");
const spoken = await readWav(join(projectRoot, "scripts/speech/north.wav"));
const phone1 = "sip:phone1@crew.example";
const account = (more: string): string =>
  `  - { user: phone1, password: another-one, talkgroups: [ops], standing: [ops], digest: [MD5], ${more} }\n`;

/** A room that is not quite quiet, with that in it, of so many seconds; it comes round again and again. */
async function writeRoom(path: string, seconds: number, ...sounds: readonly (readonly [atMs: number, Int16Array])[]) {
  const room = Int16Array.from({ length: seconds * 48_000 }, (_, index) => ((index * 7_919) % 31) - 15);
  for (const [atMs, sound] of sounds)
    for (const [index, sample] of sound.entries()) room[atMs * 48 + index] = sample + (room[atMs * 48 + index] ?? 0);
  const wav = await createWav(path);
  wav.write(room);
  await wav.close();
}

async function withPhone(
  more: string,
  codec: string,
  room: (path: string) => Promise<void>,
  story: (sites: TwoSites, recording: string) => Promise<void>,
): Promise<void> {
  const sites = await twoSites({ broker: "embedded", accounts: account(more) });
  const { north, folder } = sites;
  let phone: Phone | undefined;
  try {
    const microphone = join(folder, "room.wav");
    await room(microphone);
    const recording = join(folder, "north.wav");
    await north.board.command({ record: recording });
    const user = { user: "phone1", password: "another-one", realm: "crew.example" };
    const way = { transport: "udp", registrar: sites.sipOfSouth.udp } as const;
    phone = baresip({ folder, ...user, ...way, codec, port: 5_080, microphone });
    await story(sites, recording);
  } finally {
    await phone?.stop();
    await sites.close();
  }
}

/** From the first frame of 20 ms that anybody would hear to the last, and how much of it is loud. */
function spanOf(samples: Int16Array): { readonly ms: number; readonly loudMs: number } {
  const loud: number[] = [];
  for (let at = 0; at + 960 <= samples.length; at += 960)
    if (loudness(samples.subarray(at, at + 960)) > 200) loud.push(at / 48);
  return { ms: (loud.at(-1) ?? 0) - (loud[0] ?? 0) + 20, loudMs: 20 * loud.length };
}

const whole = (samples: Int16Array): Int16Array => samples;

for (const [codec, carried] of [
  ["PCMU", narrow],
  ["opus/48000/1", whole],
] as const)
  phoneTest(
    `what is said into baresip, which speaks ${codec} and presses nothing, is heard at the other site, all of it`,
    () =>
      withPhone(
        "keying: voice",
        codec,
        (path) => writeRoom(path, 10, [1_500, spoken]),
        async ({ north }, recording) => {
          await north.logged("phone1 to have the floor", ({ event, talker }) => event === "floor" && talker === phone1);
          await north.logged("the floor to be free", ({ event, talker }) => event === "floor" && talker === undefined);
          await pause(500);
          await north.board.command({ "record-stop": true });
          const [said, heard] = [spanOf(carried(spoken)), spanOf(await readWav(recording))];
          // What was said before the floor was asked for comes at once, and is caught up with: 300 ms and what the wait for the floor adds (test/stories/voice.test.ts).
          assert.ok(heard.ms > said.ms - 600 && heard.ms < said.ms + 1_000, `${heard.ms} ms of ${said.ms}`);
          assert.ok(heard.loudMs > 0.85 * said.loudMs, `${heard.loudMs} ms of speech of ${said.loudMs}`);
        },
      ),
  );

/** 200 ms of two tones. */
const key = (low: number, high: number): Int16Array =>
  Int16Array.from({ length: 9_600 }, (_, index) => {
    const t = (2 * Math.PI * index) / 48_000;
    return 5_000 * (Math.sin(low * t) + Math.sin(high * t));
  });

for (const codec of ["PCMU", "opus/48000/1"])
  phoneTest(`keys that sound in the voice of baresip, which speaks ${codec}, key it up and unkey it`, () =>
    withPhone(
      "inbandKeys: true",
      codec,
      (path) => writeRoom(path, 6, [1_000, key(941, 1_209)], [3_000, key(941, 1_477)]),
      async ({ north }) => {
        const up = await north.logged(
          "the phone to talk",
          ({ event, talker }) => event === "floor" && talker === phone1,
        );
        const down = await north.logged(
          "the floor to be free",
          ({ event, talker }) => event === "floor" && talker === undefined,
        );
        const lasted = Date.parse(String(down["time"])) - Date.parse(String(up["time"]));
        assert.ok(lasted > 1_500 && lasted < 2_500, `it talked for ${lasted} ms of 2,000`);
      },
    ),
  );

test.run();
