/** Phones of others call each other, and talk to a talkgroup by the keys of their dial. */
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { createWav, readWav } from "../../hal/audio/wav.ts";
import { openAuthority } from "../support/certificates.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { skip, testWith } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";
import { baresip, command } from "./baresip.ts";
import { linphone } from "./linphone.ts";
import { toneIn, writeTone } from "./tone.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("baresip", "linphonec", "openssl");
const common = { password: "another-one", realm: "crew.example" };
const control = 5086;
const accounts = ["phone1", "phone2"]
  .map((user) => `  - { user: ${user}, password: another-one, talkgroups: [ops], digest: [MD5] }\n`)
  .join("");
void [join, setTimeout, assert, createWav, readWav, projectRoot, toneIn, writeTone];

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
  phoneTest(`baresip and Linphone call each other over ${transport}, and both are heard at the same time`, async () => {
    const { first, second, south, close } = await open(transport);
    try {
      await command(control, "dial", "sip:phone2@crew.example");
      await first.printed(/Call established/);
      await setTimeout(3_000);
      console.log(first.lines.slice(-20), second.lines.slice(-20));
      await command(control, "hangup");
      await south.logged("the call to end", ({ event }) => event === "call-over");
    } finally {
      await close();
    }
  });

test.run();
