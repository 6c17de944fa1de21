import { readFileSync } from "node:fs";
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
import { linphone } from "./linphone.ts";
import { twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const phoneTest = missing ? (name: string) => skip(name, missing) : testWith("linphonec", "openssl");
const speech = join(projectRoot, "scripts/speech/north.wav");
const who = { user: "phone1", password: "another-one", realm: "crew.example", port: 5080 };

async function phoneHearsBurst(transport: Transport, digest: "SHA-256" | "MD5", srtp: boolean): Promise<void> {
  const authority = openAuthority();
  const account = `{ user: ${who.user}, password: ${who.password}, talkgroups: [ops], standing: [ops]`;
  const sites = await twoSites({
    broker: "embedded",
    accounts: `  - ${account}${digest === "MD5" ? ", digest: [MD5]" : ""} }\n`,
    identity: authority.issue(ownAddress, "crew.example"),
  });
  const { north, south, folder } = sites;
  const phone = linphone({
    ...who,
    folder,
    transport,
    srtp,
    registrar: sites.sipOfSouth[transport],
    authorities: authority.certificate,
  });
  try {
    const registered = await south.logged(
      "the phone to register",
      ({ event, user }) => event === "registered" && user === who.user,
    );
    assert.is(registered["transport"], transport);
    await phone.printed(/auto answering to call/);
    await phone.printed(/Media streams established with sip:ops@crew.example/);
    await burst(north, south, speech, folder);
    await phone.stop();
    const log = readFileSync(phone.log, "latin1");
    assert.match(log, new RegExp(`^Authorization: .*algorithm=${digest},`, "m"));
    assert.match(log, new RegExp(`^Via: SIP/2\\.0/${transport.toUpperCase()} ${sites.sipOfSouth[transport]};`, "m"));
    assert.is(log.match(/^INVITE /gm)?.length, 1, "one call");
    assert.is(/^m=audio [1-9]\d* RTP\/SAVP /m.test(log), srtp);
    const heard = likeness(await readWav(speech), await readWav(phone.recording));
    assert.ok(heard.correlation >= 0.9, `likeness ${heard.correlation} on the phone`);
    assert.ok(heard.heard >= 0.95, `${heard.heard} of the speech on the phone`);
  } finally {
    await phone.stop();
    await sites.close();
    authority.close();
  }
}

for (const [transport, digest] of [
  ["udp", "MD5"],
  ["tcp", "SHA-256"],
] as const)
  phoneTest(`Linphone registers over ${transport} by ${digest}, is called by the same way, and hears a burst`, () =>
    phoneHearsBurst(transport, digest, false),
  );

phoneTest("Linphone registers over TLS, is called by the same way, and hears a burst by SRTP alone", () =>
  phoneHearsBurst("tls", "SHA-256", true),
);

phoneTest("Linphone that does not believe the gateway's certificate does not register", async () => {
  const [authority, other] = [openAuthority(), openAuthority("Another Authority")];
  const sites = await twoSites({ broker: "embedded", identity: authority.issue(ownAddress) });
  const way = { transport: "tls", registrar: sites.sipOfSouth.tls, authorities: other.certificate } as const;
  const phone = linphone({ ...who, folder: sites.folder, ...way });
  try {
    const { reason } = await sites.south.logged("the handshake to fail", ({ kind }) => kind === "failedConnections");
    assert.match(`${reason}`, /^tls 10\.77\.0\.1:\d+: the peer does not believe our certificate/);
  } finally {
    await phone.stop();
    await sites.close();
    authority.close();
    other.close();
  }
});

test.run();
