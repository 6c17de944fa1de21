import { test } from "uvu";
import * as assert from "uvu/assert";
import { readConfig } from "../../firmware/config.ts";

const sound = `
site: north
realm: crew.example
sip: { host: 192.168.1.10, port: 5060 }
media: { host: 192.168.1.10, ports: 20000-29999 }
board: simulated
accounts:
  - { user: alice, password: "choose one", talkgroups: [ops] }
  - { user: "700", password: "choose one", talkgroups: [ops] }
talkgroups:
  - { name: ops }
exchanges:
  - name: pbx
    server: { host: 192.168.1.5 }
    user: roger
    password: "short"
    numbers: { "8000": ops, "8001": alice }
    dialOut: "9"
`;
const second = (yaml: string): string => `${sound}  - ${yaml}\n`;

/** The sound file with some of its text put otherwise. */
function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `no "${from}" in the file`);
    return text.replace(from, to);
  }, sound);
}

function exchangesOf(yaml: string) {
  const read = readConfig(yaml, "c.yaml");
  if ("faults" in read) throw new Error(JSON.stringify(read.faults, undefined, 2));
  return read.config.exchanges;
}

function faults(yaml: string): string[] {
  const read = readConfig(yaml, "c.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

/** Each row: a file, and the start of the only fault that is in it. */
function refuses(rows: readonly (readonly [yaml: string, fault: string])[]): void {
  for (const [yaml, fault] of rows) {
    const found = faults(yaml);
    assert.is(found.length, 1, `${yaml}\nmakes ${JSON.stringify(found)}, expected ${fault}`);
    assert.match(found[0] ?? "", `c.yaml: ${fault}`);
  }
}

test("an exchange is read, with what it leaves out filled in", () => {
  const numbers = new Map([
    ["8000", "ops"],
    ["8001", "alice"],
  ]);
  assert.equal(exchangesOf(sound), [
    {
      name: "pbx",
      server: { host: "192.168.1.5", transport: "udp", port: 5060 },
      domain: "192.168.1.5",
      user: "roger",
      password: "short",
      register: true,
      numbers,
      priority: 0,
      calls: 8,
      dialOut: "9",
    },
  ]);
  const tls = "sip: { host: 192.168.1.10, port: 5060, tls: { certificate: a, key: b } }";
  const [, peer] = exchangesOf(
    second(
      "{ name: far, server: { host: 10.0.0.7, transport: tls, name: far.example }, domain: far.example, calls: 30 }",
    ).replace("sip: { host: 192.168.1.10, port: 5060 }", tls),
  );
  assert.equal(peer, {
    name: "far",
    server: { host: "10.0.0.7", transport: "tls", name: "far.example", port: 5061 },
    domain: "far.example",
    register: false,
    numbers: new Map(),
    priority: 0,
    calls: 30,
  });
});

test("every fault of an exchange is told with its place", () => {
  refuses([
    [changed(["name: pbx", "name: PBX"]), "exchanges.0.name: expected 1 to 64 of a-z, 0-9 and -"],
    [changed(["name: pbx", "hat: red\n    name: pbx"]), "exchanges.0: an unknown key; expected name, server"],
    [changed(["192.168.1.5", "pbx.example"]), "exchanges.0.server.host: expected a numeric"],
    [changed(["192.168.1.5", "0.0.0.0"]), "exchanges.0.server.host: expected the one address of the server"],
    [changed(["192.168.1.5", '"::1"']), "exchanges.0.server.host: sip.host is an address of the other IP version"],
    [changed(["192.168.1.5", "192.168.1.10"]), "exchanges.0.server: this is the gateway itself"],
    [changed(["192.168.1.5", "192.168.1.5, port: 0"]), "exchanges.0.server.port: expected a whole number"],
    [changed(["192.168.1.5", "192.168.1.5, transport: ws"]), "exchanges.0.server.transport: expected udp, tcp or tls"],
    [changed(["192.168.1.5", "192.168.1.5, transport: tls"]), "exchanges.0.server.transport: TLS needs a certificate"],
    [changed(["192.168.1.5", "192.168.1.5, name: a.example"]), "exchanges.0.server.name: this is who a certificate is"],
    [changed(["user: roger", "domain: crew.example\n    user: roger"]), "exchanges.0.domain: this is the realm"],
    [changed(["user: roger", "domain: Pbx\n    user: roger"]), "exchanges.0.domain: expected a domain name"],
    [changed(["    user: roger\n", ""]), "exchanges.0.password: there is no user"],
    [changed(['    password: "short"\n', ""]), "exchanges.0.password: missing; expected the password of user"],
    [changed(["user: roger", "register: yes please\n    user: roger"]), "exchanges.0.register: expected true or false"],
    [changed(["user: roger", "user: roger@pbx"]), "exchanges.0.user: expected 1 to 64 letters, digits"],
    [changed(["user: roger", "priority: 256\n    user: roger"]), "exchanges.0.priority: expected a whole number"],
    [changed(["user: roger", "calls: 0\n    user: roger"]), "exchanges.0.calls: expected a whole number from 1 to 200"],
    [second("{ name: far, server: { host: 10.0.0.7 }, register: true }"), "exchanges.1.user: missing"],
  ]);
  assert.equal(exchangesOf(changed(['password: "short"', "register: false"]))[0]?.register, false);
});

test("numbers lead to somebody here, and are what they look like", () => {
  refuses([
    [changed(["ops, ", "oops, "]), "exchanges.0.numbers.8000: no talkgroup and no user has this name"],
    [changed(['"8000": ops', '"80 00": ops']), "exchanges.0.numbers.80 00: not a good key: expected 1 to 64"],
    [changed(['"8000": ops', '"8000": [ops]']), "exchanges.0.numbers.8000: expected 1 to 64 letters"],
    [
      changed(['{ "8000": ops, "8001": alice }', "[8000]"]),
      "exchanges.0.numbers: expected numbers and where they lead",
    ],
  ]);
  for (const [number, fault] of [
    ['"8001"', "Map keys must be unique"],
    ["0800", "this key would be read as another number than it looks; put it in quotes"],
    ["+800", "this key would be read as another number"],
    ["8e3", "this key would be read as another number"],
  ] as const)
    assert.match(faults(changed(['"8000"', number])).join(), new RegExp(`^c\\.yaml:17:\\d+: ${fault}`), number);
  assert.ok(exchangesOf(changed(['"8000"', "8000"]))[0]?.numbers.has("8000"));
  assert.ok(exchangesOf(`${changed(["ops, ", "oops, "])}store: roger.db\n`), "who is not here may be in the store");
});

test("what is dialled to leave the realm begins no name here and no number there", () => {
  refuses([
    [changed(['"9"', '"7"']), "exchanges.0.dialOut: the name at accounts.1.user begins so"],
    [changed(['"9"', '"80"']), "exchanges.0.dialOut: the number at numbers.8000 begins so"],
    [changed(['"9"', "9"]), "exchanges.0.dialOut: expected 1 to 8 digits; put it in quotes"],
    [changed(['"9"', '"+"']), "exchanges.0.dialOut: expected 1 to 8 digits"],
    [
      second('{ name: far, server: { host: 10.0.0.7 }, dialOut: "91" }'),
      "exchanges.1.dialOut: numbers may begin with this and with exchanges.0.dialOut",
    ],
  ]);
});

test("no two exchanges have a name, or a place that calls come from, in common", () => {
  refuses([
    [second("{ name: pbx, server: { host: 10.0.0.7 } }"), "exchanges.1.name: this is the name at exchanges.0 too"],
    [
      second("{ name: far, server: { host: 192.168.1.5, port: 5060 } }"),
      "exchanges.1.server: calls from here cannot be told from those of exchanges.0",
    ],
  ]);
  for (const other of ["{ host: 192.168.1.5, port: 5080 }", "{ host: 192.168.1.5, transport: tcp }"])
    assert.is(exchangesOf(second(`{ name: far, server: ${other} }`)).length, 2);
  const tcp = (port: number) => `{ name: far${port}, server: { host: 10.0.0.7, transport: tcp, port: ${port} } }`;
  refuses([[`${second(tcp(5060))}  - ${tcp(5080)}\n`, "exchanges.2.server: calls from here cannot be told from"]]);
});

test("no fault of an exchange repeats its password", () => {
  const torn = changed(['"short"', "sec,ret"], ["  - name: pbx\n", "  - { name: pbx,\n"]);
  const line = "  - { name: pbx, server: { host: 192.168.1.5 }, user: roger, password: open,sesame }\n";
  const found = faults(sound.replace(/ {2}- name: pbx[\s\S]*/, line)).join("\n");
  assert.match(found, "exchanges.0: an unknown key; expected name, server");
  assert.not.match(`${found}${faults(torn).join("\n")}`, /sesame|ret\b/);
});

test.run();
