/** Phones of others, and a panel, in a talkgroup where everybody talks at once. */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../hal/audio/wav.ts";
import { ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { toneIn, writeTone } from "../support/tone.ts";
import { baresip } from "./baresip.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip");
/** baresip 1.0 gives up at a challenge of SHA-256, even beside one of MD5. */
const accounts = ["phone1", "phone2"]
  .map((user) => `  - { user: ${user}, password: another-one, talkgroups: [ops], standing: [ops], digest: [MD5] }\n`)
  .join("");

const talkMs = 4_000;
const codecs = ["G722", "opus/48000/1"] as const;
const hums = [500, 800] as const;
const panelHum = 1_300;

phoneTest(
  "two telephones and a panel at another site talk at once: each hears both others, and not itself",
  async () => {
    const sites = await twoSites({ broker: "embedded", accounts, mixing: true });
    const { north, folder } = sites;
    const phones = await Promise.all(
      codecs.map(async (codec, index) => {
        const user = `phone${index + 1}`;
        const microphone = join(folder, `${user}.wav`);
        await writeTone(microphone, hums[index] ?? 0, { swells: true });
        const account = { user, password: "another-one", realm: "crew.example" };
        const way = { transport: "udp", registrar: sites.sipOfSouth.udp } as const;
        return baresip({ folder, ...account, ...way, codec, port: 5_080 + 10 * index, microphone });
      }),
    );
    try {
      for (const phone of phones) await phone.printed(/Set audio encoder/);
      const said = join(folder, "panel.wav");
      await writeTone(said, panelHum, { swells: true });
      await north.logged("somebody to talk", ({ event, talker }) => event === "floor" && talker !== undefined);
      const recording = join(folder, "north.wav");
      await north.board.command({ record: recording });
      // The panel hears both telephones while it is silent; its loudspeaker is off while it talks.
      await pause(talkMs);
      await north.board.command({ "record-stop": true });
      await north.board.command({ press: "ptt" });
      await north.board.command({ hear: said });
      await pause(talkMs);
      await north.board.command({ release: "ptt" });
      const heard = [];
      for (const phone of phones) heard.push((await phone.hangUp())[0] ?? new Int16Array());

      const atNorth = await readWav(recording);
      for (const hum of hums) assert.ok(toneIn(atNorth, hum) > 0.15, `${toneIn(atNorth, hum)} of ${hum} Hz at north`);
      for (const [index, sound] of heard.entries()) {
        const [own = 0, other = 0] = index === 0 ? hums : hums.toReversed();
        assert.ok(toneIn(sound, other) > 0.3, `phone${index + 1}: ${toneIn(sound, other)} of the other telephone`);
        assert.ok(toneIn(sound, panelHum) > 0.15, `phone${index + 1}: ${toneIn(sound, panelHum)} of the panel`);
        assert.ok(toneIn(sound, own) < 0.001, `phone${index + 1}: ${toneIn(sound, own)} of itself`);
      }
    } finally {
      for (const phone of phones) await phone.stop();
      await sites.close();
    }
  },
);

test.run();
