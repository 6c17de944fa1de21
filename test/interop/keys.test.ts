import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../hal/audio/wav.ts";
import { ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { writeTone } from "../support/tone.ts";
import { baresip, command, type Phone } from "./baresip.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip");
/** baresip 1.0 gives up at a challenge of SHA-256, even beside one of MD5. */
const accounts = `  - { user: phone1, password: another-one, talkgroups: [ops], standing: [ops], digest: [MD5] }\n`;
const phone1 = "sip:phone1@crew.example";
const hum = 440;
const permit = 910;

/** The most that any 20 ms of a recording at 48 kHz have of a frequency, as an amplitude. */
function loudest(samples: Int16Array, hertz: number): number {
  let most = 0;
  for (let at = 0; at + 960 <= samples.length; at += 960) {
    let [sine, cosine] = [0, 0];
    for (let index = 0; index < 960; index++) {
      const phase = (2 * Math.PI * hertz * index) / 48_000;
      sine += (samples[at + index] ?? 0) * Math.sin(phase);
      cosine += (samples[at + index] ?? 0) * Math.cos(phase);
    }
    most = Math.max(most, Math.hypot(sine, cosine) / 480);
  }
  return most;
}

async function phoneKeys(codec: string): Promise<void> {
  const sites = await twoSites({ broker: "embedded", accounts });
  const { north, folder } = sites;
  let phone: Phone | undefined;
  try {
    const microphone = join(folder, "hum.wav");
    await writeTone(microphone, hum);
    const account = { user: "phone1", password: "another-one", realm: "crew.example" };
    const way = { transport: "udp", registrar: sites.sipOfSouth.udp } as const;
    const control = 5_090;
    phone = baresip({ folder, ...account, ...way, codec, port: 5_080, microphone, control });
    await phone.printed(/Set audio encoder/);
    const recording = join(folder, "north.wav");
    await north.board.command({ record: recording });
    await command(control, "sndcode", "*");
    await north.logged("phone1 to have the floor", ({ event, talker }) => event === "floor" && talker === phone1);
    await pause(1_500);
    await command(control, "sndcode", "#");
    await north.logged("the floor to be free", ({ event, talker }) => event === "floor" && talker === undefined);
    await pause(500);
    await north.board.command({ "record-stop": true });
    const [heard] = await phone.hangUp();
    const level = loudest(await readWav(recording), hum);
    assert.ok(level > 2_000, `the phone's hum at ${level} of 8000 at north`);
    const tone = loudest(heard ?? new Int16Array(), permit);
    assert.ok(tone > 2_000, `the permit tone at ${tone} of 7000 in the phone's ear`);
  } finally {
    await phone?.stop();
    await sites.close();
  }
}

for (const codec of ["PCMU", "G722", "opus/48000/1"])
  phoneTest(
    `baresip that speaks ${codec} keys up with *, hears that it may talk, is heard at the other site, and unkeys with #`,
    () => phoneKeys(codec),
  );

test.run();
