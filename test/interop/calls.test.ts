/** Phones of others call each other. */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { openAuthority } from "../support/certificates.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { toneIn, writeTone } from "../support/tone.ts";
import { baresip, command } from "./baresip.ts";
import { linphone } from "./linphone.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip", "linphonec", "openssl");
const common = { password: "another-one", realm: "crew.example" };
const control = 5086;
const accounts = ["phone1", "phone2"]
  .map((user) => `  - { user: ${user}, password: another-one, talkgroups: [ops], digest: [MD5] }\n`)
  .join("");
/** How long each speaks, ms. */
const talkMs = 2_000;

/** baresip as phone1, which speaks a tone of 440 Hz, and Linphone as phone2; both have registered. */
async function open(transport: Transport) {
  const authority = openAuthority();
  const identity = authority.issue(ownAddress, "crew.example");
  const sites = await twoSites({ broker: "embedded", accounts, identity });
  const { folder, south } = sites;
  const microphone = join(folder, "tone.wav");
  await writeTone(microphone, 440);
  const way = { transport, registrar: sites.sipOfSouth[transport] };
  const first = baresip({
    ...{ ...common, ...way, folder, microphone, control },
    ...{ user: "phone1", codec: "PCMU", port: 5080 },
  });
  const second = linphone({
    ...{ ...common, ...way, folder },
    ...{ user: "phone2", authorities: authority.certificate, port: 5090 },
  });
  for (const phone of ["phone1", "phone2"])
    await south.logged(`${phone} to register`, ({ event, user }) => event === "registered" && user === phone);
  return {
    ...sites,
    first,
    second,
    async close() {
      await Promise.all([first.stop(), second.stop()]);
      await sites.close();
      authority.close();
    },
  };
}

for (const transport of ["udp", "tcp", "tls"] as const)
  phoneTest(
    `baresip and Linphone call each other over ${transport}, and hear each other at the same time`,
    async () => {
      const { first, second, south, folder, close } = await open(transport);
      const tone = join(folder, "other-tone.wav");
      try {
        await writeTone(tone, 700);
        await command(control, "dial", "sip:phone2@crew.example");
        await first.printed(/Call established: sip:phone2@crew.example/);
        await second.printed(/Media streams established with sip:phone1@crew.example for call 1/);
        second.say(`play ${tone}`);
        await setTimeout(talkMs);
        await command(control, "hangup");
        await second.printed(/Call 1 with sip:phone1@crew.example ended \(No error\)/);

        second.say("call sip:phone1@crew.example");
        await second.printed(/Media streams established with sip:phone1@crew.example for call 2/);
        second.say("terminate");
        await first.printed(/sip:phone2@crew.example: session closed: Connection reset by peer/);
        await south.logged("the second call to end", ({ event, call }) => event === "call-over" && call === "call/2");
        await second.stop();
        const [heard = new Int16Array()] = await first.hangUp();
        const shares = [toneIn(heard, 700, 100), toneIn(await readWav(second.recording), 440, 100)];
        assert.ok(
          shares.every((share) => share > 0.9),
          `what each hears is the other's tone by ${shares}`,
        );
      } finally {
        await close();
      }
    },
  );

phoneTest("a phone is told why it is not put through: nobody, do not disturb, busy", async () => {
  const { first, second, south, close } = await open("udp");
  try {
    await command(control, "dial", "sip:nobody@crew.example");
    await first.printed(/sip:nobody@crew.example: session closed: 404 Not Found/);
    second.say("call sip:*78@crew.example");
    await second.printed(/Call 1 with sip:\*78@crew.example ended \(No error\)/);
    await command(control, "dial", "sip:phone2@crew.example");
    await first.printed(/sip:phone2@crew.example: session closed: 480 Temporarily Unavailable/);
    second.say("call sip:*79@crew.example");
    await second.printed(/Call 2 with sip:\*79@crew.example ended \(No error\)/);
    second.say("call sip:south-panel@crew.example");
    await south.logged(
      "phone2 to be put through",
      ({ event, users }) => event === "call" && `${users}`.includes("phone2"),
    );
    await command(control, "dial", "sip:phone2@crew.example");
    await first.printed(/sip:phone2@crew.example: session closed: 486 Busy Here/);
    second.say("terminate");
    await south.logged("the call to end", ({ event }) => event === "call-over");
  } finally {
    await close();
  }
});

test.run();
