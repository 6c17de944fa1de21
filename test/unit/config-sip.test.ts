import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Config, readConfig } from "../../firmware/config.ts";

const sound = `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - { user: panel, password: "choose one", talkgroups: [ops] }
panel: { account: panel, talkgroup: ops }
talkgroups:
  - { name: ops }
`;

/** The SIP part of the sound file with these values. */
function read(sip: string, { media = "127.0.0.1", panel = true } = {}): ReturnType<typeof readConfig> {
  const text = sound.replace(/sip: .*/, `sip: ${sip}`).replace("host: 127.0.0.1, ports", `host: "${media}", ports`);
  return readConfig(panel ? text : text.replace(/panel: .*/, ""), "c.yaml");
}

function configOf(sip: string, options = {}): Config {
  const found = read(sip, options);
  if ("faults" in found) throw new Error(JSON.stringify(found.faults, undefined, 2));
  return found.config;
}

function faults(sip: string, options = {}): string[] {
  const found = read(sip, options);
  return "faults" in found ? found.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

test("IPv6 addresses are taken in any spelling, and kept as sockets write them", () => {
  const { sip, media } = configOf('{ host: "FD00:0::0001", port: 5060 }', { media: "0::1" });
  assert.equal([sip.host, media.host], ["fd00::1", "::1"]);
});

test("a panel's SIP and media are of one IP version; phones alone may have both", () => {
  const mixed = '{ host: "::1", port: 5060 }';
  assert.equal(faults(mixed), [
    "c.yaml: media.host: sip.host is an address of the other IP version, and the panel speaks SIP from here; expected the same version",
  ]);
  assert.equal(faults(mixed, { panel: false }), []);
});

test("TLS has a port of its own, and two files at least", () => {
  const tls = (yaml: string) => `{ host: 127.0.0.1, port: 5060, tls: ${yaml} }`;
  assert.equal(configOf(tls("{ certificate: a.pem, key: a.key }")).sip.tls, {
    port: 5061,
    certificate: "a.pem",
    key: "a.key",
  });
  const all = { port: 5062, certificate: "a", key: "b", ca: "c" };
  assert.equal(configOf(tls("{ port: 5062, certificate: a, key: b, ca: c }")).sip.tls, all);
  for (const [yaml, fault] of [
    [tls("{ certificate: a, key: b, port: 5060 }"), "sip.tls.port: this is sip.port too; expected another"],
    ["{ host: 127.0.0.1, port: 5061, tls: { certificate: a, key: b } }", "sip.tls.port: this is sip.port too"],
    [tls("{ certificate: a }"), "sip.tls.key: missing; expected the path of a file"],
    [tls('{ certificate: "", key: b }'), "sip.tls.certificate: expected the path of a file"],
    [tls("{ certificate: a, key: b, cert: c }"), "sip.tls.cert: unknown key"],
    [tls("yes"), "sip.tls: expected port, certificate and key"],
  ] as const) {
    const found = faults(yaml);
    assert.is(found.length, 1, `${yaml} makes ${found}`);
    assert.match(found[0] ?? "", `c.yaml: ${fault}`);
  }
});

test.run();
