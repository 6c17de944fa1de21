import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { burst } from "../../scripts/demonstration/burst.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openAuthority } from "../support/certificates.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";
import { toneIn, writeTone } from "../support/tone.ts";
import { baresip, type Phone } from "./baresip.ts";
import { narrow } from "./narrow.ts";
import { type BrokerKind, twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const speech = join(projectRoot, "scripts/speech/north.wav");
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip", "mosquitto", "openssl", "ss");
/** baresip 1.0 gives up at a challenge of SHA-256, even beside one of MD5. */
const accounts = `  - { user: phone1, password: another-one, talkgroups: [ops], standing: [ops], digest: [MD5] }\n`;

/** Of a phone that speaks without the floor. */
const humHz = 440;

interface Story {
  readonly broker: BrokerKind;
  readonly transport: Transport;
  readonly codec: string;
  readonly carried: (speech: Int16Array) => Int16Array;
}

async function phoneHearsBurst({ broker, transport, codec, carried }: Story): Promise<void> {
  const authority = openAuthority();
  const sites = await twoSites({ broker, accounts, identity: authority.issue(ownAddress, "crew.example") });
  const { north, south, folder } = sites;
  let phone: Phone | undefined;
  try {
    const microphone = join(folder, "hum.wav");
    await writeTone(microphone, humHz);
    const registrar = sites.sipOfSouth[transport];
    const account = { user: "phone1", password: "another-one", realm: "crew.example" };
    phone = baresip({ folder, ...account, transport, registrar, codec, port: 5080, microphone });
    const registered = await south.logged(
      "phone1 to register",
      ({ event, user }) => event === "registered" && user === "phone1",
    );
    assert.is(registered["transport"], transport);
    await phone.printed(/answering call .* from sip:ops@crew.example/);
    await phone.printed(/Set audio encoder/);
    assert.equal(connections(), transport === "udp" ? [] : [registrar], "the call came by the phone's own connection");

    const report = await burst(north, south, speech, folder);
    const calls = await phone.hangUp();
    assert.is(calls.length, 1, "one session, there before the burst and after it");
    const heard = likeness(carried(await readWav(speech)), calls[0] ?? new Int16Array());
    assert.ok(heard.correlation >= 0.9, `likeness ${heard.correlation} on the phone`);
    assert.ok(heard.heard >= 0.99, `${heard.heard} of the speech on the phone`);
    assert.equal([heard.missingAtStartMs, heard.missingAtEndMs], [0, 0]);
    const hum = toneIn(await readWav(report.recording), humHz);
    assert.ok(hum < 0.02, `${hum} of what south's loudspeaker plays is the hum of a phone that has no floor`);
  } finally {
    await phone?.stop();
    await sites.close();
    authority.close();
  }
}

/** Where the SIP connections of this network lead that were not opened by a gateway. */
function connections(): string[] {
  const listed = execFileSync("ss", ["-Htn", "state", "established"], { encoding: "utf8" }).trim().split("\n");
  const peers = listed.map((line) => line.trim().split(/\s+/)[3] ?? "");
  return peers.filter((peer) => /:(50[678]\d)$/.test(peer));
}

const whole = (samples: Int16Array): Int16Array => samples;

for (const broker of ["embedded", "mosquitto"] as const) {
  phoneTest(`baresip at south hears a burst keyed at north, as Opus, over the ${broker} broker`, () =>
    phoneHearsBurst({ broker, transport: "udp", codec: "opus/48000/1", carried: whole }),
  );
  phoneTest(`baresip that speaks PCMU only hears it too, over the ${broker} broker`, () =>
    phoneHearsBurst({ broker, transport: "udp", codec: "PCMU", carried: narrow }),
  );
}

phoneTest("baresip that speaks G.722 only hears it too", () =>
  phoneHearsBurst({ broker: "embedded", transport: "udp", codec: "G722", carried: whole }),
);

for (const transport of ["tcp", "tls"] as const)
  phoneTest(`baresip that registers over ${transport} is called by that connection, and hears a burst`, () =>
    phoneHearsBurst({ broker: "embedded", transport, codec: "opus/48000/1", carried: whole }),
  );

test.run();
