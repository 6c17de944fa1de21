/** SRTP with a phone that others wrote: baresip with its srtp module (libre's own SRTP), over TLS. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../hal/audio/wav.ts";
import { burst } from "../../scripts/demonstration/burst.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openAuthority } from "../support/certificates.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";
import { toneIn, writeTone } from "../support/tone.ts";
import { baresip, command, type Phone } from "./baresip.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip", "openssl");
const accounts = `  - { user: phone1, password: another-one, talkgroups: [ops], standing: [ops], digest: [MD5] }\n`;
const speech = join(projectRoot, "scripts/speech/north.wav");
const hum = 440;

phoneTest("baresip that takes nothing but SRTP is called over TLS, hears a burst, and keys up and talks", async () => {
  const authority = openAuthority();
  const identity = authority.issue(ownAddress, "crew.example");
  const sites = await twoSites({ broker: "embedded", accounts, identity });
  const { north, south, folder } = sites;
  let phone: Phone | undefined;
  try {
    const microphone = join(folder, "hum.wav");
    // Where its microphone's file ends, baresip hangs up.
    await writeTone(microphone, hum, { seconds: 120 });
    const account = { user: "phone1", password: "another-one", realm: "crew.example", codec: "opus/48000/1" };
    const way = { transport: "tls", registrar: sites.sipOfSouth.tls, port: 5_080, control: 5_090 } as const;
    phone = baresip({ folder, ...account, ...way, microphone, srtp: true });
    await phone.printed(/srtp: audio: SRTP is Enabled/);
    await phone.printed(/Set audio encoder/);

    await burst(north, south, speech, folder);
    const recording = join(folder, "keyed.wav");
    await north.board.command({ record: recording });
    await command(way.control, "sndcode", "*");
    const talker = "sip:phone1@crew.example";
    await north.logged("phone1 to have the floor", (entry) => entry["event"] === "floor" && entry["talker"] === talker);
    await pause(1_500);
    await command(way.control, "sndcode", "#");
    await north.logged("the floor to be free", (entry) => entry["event"] === "floor" && entry["talker"] === undefined);
    await pause(500);
    await north.board.command({ "record-stop": true });

    const calls = await phone.hangUp();
    assert.is(calls.length, 1);
    const heard = likeness(await readWav(speech), calls[0] ?? new Int16Array());
    assert.ok(heard.correlation >= 0.9, `likeness ${heard.correlation} on the phone`);
    const share = toneIn(await readWav(recording), hum);
    assert.ok(share > 0.05, `${share} of what is heard of the phone is its hum`);
  } finally {
    await phone?.stop();
    await sites.close();
    authority.close();
  }
});

test.run();
