import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { silent } from "../../firmware/log.ts";
import { openEndpoint, type Transport } from "../../firmware/sip/endpoint.ts";
import { nodeNetwork } from "../../hal/network/node.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { startSite } from "../../scripts/demonstration/site.ts";
import { realBench, until } from "../hal/bench.ts";
import { type Authority, openAuthority } from "../support/certificates.ts";
import { ipv6Lacking } from "../support/ipv6.ts";
import { refusing } from "../support/sip-wire.ts";
import { lacking, testUnless } from "../support/skip.ts";
import { openTerminal } from "../support/terminal.ts";

const user = "phone1";
const password = "end to end";
const accounts = `  - { user: ${user}, password: "${password}", talkgroups: [ops], standing: [ops] }\n`;

/** A port that is free now, for datagrams and for connections. */
async function freePort(host: string): Promise<number> {
  const listener = await nodeNetwork().listen({ host, port: 0 }, () => {});
  await listener.close();
  return listener.local.port;
}

/** A gateway in a process of its own, and a phone that registers, is called, and hears a press. */
async function phoneHearsPress(host: string, transport: Transport, authority: Authority): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roger-transports-"));
  const own = authority.issue(host);
  for (const [name, text] of [
    ["own.pem", own.certificate],
    ["own.key", own.key],
  ] as const)
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  const [sipPort, tlsPort] = [await freePort(host), await freePort(host)];
  const site = await startSite({
    site: "north",
    host,
    sipPort,
    tls: `{ port: ${tlsPort}, certificate: own.pem, key: own.key }`,
    mediaPorts: "24000-24999",
    broker: "none",
    accounts,
    folder,
    log: join(folder, "north.log"),
  });
  const bench = realBench();
  const { clock } = bench;
  const network = nodeNetwork();
  const terminal = await openTerminal({ clock, network }, { local: { host, port: 25_000 }, srtp: "accepted" });
  const called: Transport[] = [];
  const endpoint = await openEndpoint(
    { clock, network, random: cryptoRandom(), log: silent },
    {
      local: { host, port: 0 },
      userAgent: "phone",
      tls: { port: 0, identity: own, authorities: authority.certificate },
    },
    {
      ...refusing,
      onInvite(invite) {
        called.push(invite.flow.transport);
        const content = terminal.answer(new TextDecoder().decode(invite.request.body));
        invite.accept({ type: "application/sdp", content }, { onConfirmed() {}, onEnd() {} });
      },
    },
  );
  try {
    endpoint.register({
      aor: `sip:${user}@crew.example`,
      registrar: { transport, remote: { host, port: transport === "tls" ? tlsPort : sipPort } },
      credentials: { username: user, password },
      onState() {},
    });
    await site.logged("the phone", ({ event, user: who }) => event === "registered" && who === user);
    await site.logged("the panel's session", ({ event }) => event === "session");
    await until(bench, "the phone is called", () => called.length > 0);
    await site.board.command({ press: "ptt" });
    await until(bench, "the phone hears the press", () => terminal.heard.length >= 10);
    await site.board.command({ release: "ptt" });
    assert.equal(called, [transport]);
  } finally {
    await endpoint.close();
    terminal.close();
    assert.is(await site.close(), 0);
    rmSync(folder, { recursive: true });
  }
}

const ipv6 = await ipv6Lacking();
const openssl = lacking("openssl");

for (const [host, lacks] of [
  ["127.0.0.1", openssl],
  ["::1", ipv6 ?? openssl],
] as const)
  for (const transport of ["udp", "tcp", "tls"] as const)
    testUnless(lacks)(`a phone at ${host} registers over ${transport}, is called and hears a press`, async () => {
      const authority = openAuthority();
      await phoneHearsPress(host, transport, authority).finally(authority.close);
    });

test.run();
