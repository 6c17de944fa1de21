import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { burst } from "../../scripts/demonstration/burst.ts";
import { likeness } from "../../scripts/demonstration/likeness.ts";
import { openAuthority } from "../support/certificates.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import type { Program } from "../support/program.ts";
import { skip, testWith } from "../support/skip.ts";
import { projectRoot } from "../support/source.ts";
import { toneIn, writeTone } from "../support/tone.ts";
import { baresip, command, type Phone } from "./baresip.ts";
import { type Extensions, kamailio, pbxDomain, pbxPort, tlsModule } from "./kamailio.ts";
import { narrow } from "./narrow.ts";
import { type TwoSites, twoSites } from "./two-sites.ts";

const missing = await ownNetwork(import.meta.filename);
const exchangeTest = missing ? (name: string) => skip(name, missing) : testWith("kamailio", "baresip", "openssl");
const secureTest =
  missing || existsSync(tlsModule) ? exchangeTest : (name: string) => skip(name, "kamailio-tls-modules not installed");
const speech = join(projectRoot, "scripts/speech/north.wav");
const extensions: Extensions = { roger: "of the gateway", "1001": "of-the-phone" };
/** Where phones take commands. */
const control = { extension: 5092, boss: 5096, worker: 5096 };
/** Of a terminal here, and of the extension, Hz. */
const voice = { here: 440, there: 700 };
const talkMs = 3_000;
const accounts = `  - { user: boss, password: of-the-boss, talkgroups: [ops], dispatcher: [ops], digest: [MD5] }
  - { user: worker, password: of-the-worker, talkgroups: [ops], digest: [MD5] }
`;

const exchangeOver = (transport: Transport): string => `  - name: pbx
    server: { host: ${ownAddress}, port: ${pbxPort[transport]}, transport: ${transport} }
    domain: ${pbxDomain}
    user: roger
    password: ${extensions["roger"]}
    numbers: { "8000": ops, "8100": ops, "8001": boss }
    dialOut: "9"
`;

interface Stage {
  readonly sites: TwoSites;
  readonly pbx: Program;
  /** The extension 1001. */
  readonly phone: Phone;
  dial(number: string): Promise<string>;
  /** A phone of a user of south, registered there. */
  userPhone(user: "boss" | "worker"): Promise<Phone>;
  /** The exchange loses all that it knows, and is there again. */
  restart(): Promise<void>;
}

/** Two sites, the south one registered at kamailio, and an extension of that. */
async function withExchange(transport: Transport, play: (stage: Stage) => Promise<void>): Promise<void> {
  const authority = openAuthority();
  const [own, shown] = [authority.issue(ownAddress, "crew.example"), authority.issue(ownAddress, pbxDomain)];
  const sites = await twoSites({
    ...{ broker: "embedded", accounts, exchanges: exchangeOver(transport) },
    ...(transport === "tls" && { identity: own, authorities: authority.certificate }),
  });
  const start = () => kamailio(folder, extensions, transport === "tls" ? shown : undefined);
  const { south, folder } = sites;
  const phones = transport === "tcp" ? "tcp" : "udp";
  const running: { stop(): Promise<void> }[] = [];
  try {
    let pbx = await start();
    running.push({ stop: () => pbx.stop() });
    await pbx.printed(/saved roger/);
    await south.logged("that it is registered", ({ event, in: link }) => event === "exchange" && link === "up");
    const [microphone, other] = [join(folder, "there.wav"), join(folder, "here.wav")];
    await writeTone(microphone, voice.there);
    await writeTone(other, voice.here);
    const account = { user: "1001", password: extensions["1001"] ?? "", realm: pbxDomain };
    const way = {
      transport: phones,
      registrar: `${ownAddress}:${pbxPort[phones]}`,
      port: 5090,
      codec: "PCMU",
    } as const;
    const phone = baresip({ folder, ...account, ...way, microphone, control: control.extension });
    running.unshift(phone);
    await pbx.printed(/saved 1001/);
    await play({
      sites,
      pbx,
      phone,
      dial: (number) => command(control.extension, "dial", `sip:${number}@${pbxDomain}`),
      async userPhone(user) {
        const own = { user, password: `of-the-${user}`, realm: "crew.example", microphone: other };
        const there = { transport: phones, registrar: sites.sipOfSouth[phones], port: 5094, codec: "PCMU" } as const;
        const opened = baresip({ folder, ...own, ...there, control: control[user] });
        running.unshift(opened);
        await south.logged(`${user} to register`, (line) => line["event"] === "registered" && line["user"] === user);
        return opened;
      },
      async restart() {
        await pbx.stop();
        pbx = await start();
        await pbx.printed(/saved roger/);
        await pbx.printed(/saved 1001/);
      },
    });
  } finally {
    for (const { stop } of running) await stop();
    await sites.close();
    authority.close();
  }
}

async function hearsBurst({ sites, phone, dial }: Stage, number: string): Promise<void> {
  const { north, south, folder } = sites;
  await dial(number);
  await phone.printed(/Call established/);
  await burst(north, south, speech, folder);
  const [heard = new Int16Array()] = await phone.hangUp();
  const alike = likeness(narrow(await readWav(speech)), heard);
  assert.ok(alike.correlation >= 0.9, `likeness ${alike.correlation} on the extension`);
  assert.ok(alike.heard >= 0.99, `${alike.heard} of the speech on the extension`);
  assert.equal([alike.missingAtStartMs, alike.missingAtEndMs], [0, 0]);
}

exchangeTest("an extension of kamailio dials a talkgroup's number, and hears a burst of another site", () =>
  withExchange("udp", (stage) => hearsBurst(stage, "8000")),
);

exchangeTest("it does so over TCP, with the number in the Request-URI", () =>
  withExchange("tcp", (stage) => hearsBurst(stage, "8100")),
);

secureTest("it does so over TLS, where each shows the other who it is", () =>
  withExchange("tls", (stage) => hearsBurst(stage, "8000")),
);

exchangeTest("a number that nobody here has is refused", () =>
  withExchange("udp", async ({ phone, dial }) => {
    await dial("8099");
    await phone.printed(/8099@pbx.example: session closed: 404 Not Found/);
  }),
);

// Over UDP nothing tells of it before the next refresh, most of a minute later.
exchangeTest("after kamailio has started anew, the gateway is registered again over TCP", () =>
  withExchange("tcp", async ({ restart, dial, phone }) => {
    await restart();
    await dial("8000");
    await phone.printed(/Call established/);
  }),
);

/** Both hang up; each heard the other. */
async function heardOneAnother(extension: Phone, terminal: Phone): Promise<void> {
  const [[there = new Int16Array()], [here = new Int16Array()]] = [await extension.hangUp(), await terminal.hangUp()];
  assert.ok(toneIn(there, voice.here) > 0.9, `${toneIn(there, voice.here)} of what the extension heard`);
  assert.ok(toneIn(here, voice.there) > 0.9, `${toneIn(here, voice.there)} of what the terminal heard`);
}

for (const transport of ["udp", "tcp", "tls"] as const)
  (transport === "tls" ? secureTest : exchangeTest)(
    `a dispatcher dials out to an extension of kamailio over ${transport}, and they hear each other`,
    () =>
      withExchange(transport, async ({ phone, userPhone }) => {
        const boss = await userPhone("boss");
        await command(control.boss, "dial", "sip:91001@crew.example");
        await boss.printed(/Call established: sip:91001@crew.example/);
        await phone.printed(/Call established/);
        await setTimeout(talkMs);
        await heardOneAnother(phone, boss);
      }),
  );

exchangeTest("who dispatches nothing may not dial out", () =>
  withExchange("udp", async ({ userPhone }) => {
    const worker = await userPhone("worker");
    await command(control.worker, "dial", "sip:91001@crew.example");
    await worker.printed(/91001@crew.example: session closed: 403/);
  }),
);

exchangeTest("an extension dials a user's number, and they hear each other", () =>
  withExchange("udp", async ({ phone, userPhone, dial }) => {
    const boss = await userPhone("boss");
    await dial("8001");
    await boss.printed(/Call established: sip:1001@pbx.example/);
    await phone.printed(/Call established/);
    await setTimeout(talkMs);
    await heardOneAnother(phone, boss);
  }),
);

test.run();
