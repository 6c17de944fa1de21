import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { changed, config, faults, refuses, sound } from "../support/config-file.ts";

const usual = { talkWarningMs: 5_000, emergencyMs: 3_600_000 };

test("a sound file is read, with what it leaves out filled in and seconds in ms", () => {
  assert.equal(config(sound), {
    site: "north",
    gateway: "north",
    realm: "crew.example",
    sip: { host: "127.0.0.1", port: 5060, digest: ["SHA-256", "MD5"] },
    media: { host: "127.0.0.1", ports: { first: 20_000, last: 29_999 }, srtp: "offered" },
    board: "simulated",
    accounts: [
      {
        user: "panel",
        password: "choose one",
        talkgroups: ["ops"],
        standing: [],
        listenOnly: [],
        dispatcher: [],
        noPreempt: [],
        emergency: [],
        priority: 0,
        rules: [],
        digest: ["SHA-256", "MD5"],
      },
      {
        user: "100",
        password: "another one",
        talkgroups: ["ops", "all"],
        standing: ["ops"],
        listenOnly: ["all"],
        dispatcher: ["ops"],
        noPreempt: ["ops"],
        emergency: [],
        priority: 7,
        rules: [],
        digest: ["MD5"],
      },
    ],
    panel: { account: "panel", talkgroup: "ops", monitors: [] },
    talkgroups: [
      { name: "ops", endOfMediaMs: 4_000, talkMs: 12_500, graceMs: 3_000, hangMs: 0, ...usual },
      { name: "all", endOfMediaMs: 4_000, talkMs: 30_000, graceMs: 3_000, hangMs: 10_000, ...usual },
    ],
    exchanges: [],
  });
});

test("the example of the README is sound", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, example = ""] = /```yaml\n([\s\S]*?)```/.exec(readme) ?? [];
  const { site, board, broker } = config(example);
  assert.equal(
    { site, board, broker },
    {
      site: "north",
      board: "simulated",
      broker: { at: "embedded", host: "127.0.0.1", port: 1883 },
    },
  );
});

test("every fault is listed at once, with its place and what was expected", () => {
  const found = faults(
    changed(
      ["site: north", "site: North Hill\ncolour: red"],
      ["realm: crew.example", "realm: Crew_Example"],
      ["host: 127.0.0.1, port: 5060", "host: localhost, port: 99999"],
      ["20000-29999", "20000"],
      ["user: panel,", 'user: "a b", hat: red,'],
      ["standing: [ops]", "standing: [ops, ops]"],
      ["priority: 7", "priority: 256"],
      ["account: panel, talkgroup: ops", "account: nobody, talkgroup: ops"],
      ["talkSeconds: 12.5", "talkSeconds: 0"],
      ["name: all", 'name: "100"'],
    ),
  );
  for (const expected of [
    "c.yaml: colour: unknown key; correct or remove it",
    "c.yaml: gateway: missing, and the site's name makes no id; give 1 to 64 of a-z, 0-9 and -",
    "c.yaml: realm: expected a domain name in lower case, such as crew.example",
    "c.yaml: sip.host: expected a numeric IPv4 or IPv6 address, such as 192.168.1.10; names are not looked up",
    "c.yaml: sip.port: expected a whole number from 1 to 65535",
    "c.yaml: media.ports: expected a range of UDP ports, such as 20000-29999",
    "c.yaml: accounts.0.user: expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first",
    "c.yaml: accounts.0: an unknown key; expected user, password, identityOf, talkgroups, standing, listenOnly, dispatcher, noPreempt, emergency, priority, digest, rules, keying, voiceHangSeconds, voiceThresholdDb, inbandKeys, scan, and a password with punctuation in quotes",
    "c.yaml: accounts.1.standing.1: given twice; remove one",
    "c.yaml: accounts.1.priority: expected a whole number from 0 to 255",
    "c.yaml: accounts.1.talkgroups.1: no talkgroup has this name; correct it or add it to talkgroups",
    "c.yaml: panel.account: no account has this user; correct it or add it to accounts",
    "c.yaml: talkgroups.0.talkSeconds: expected 1 to 3600 seconds",
    "c.yaml: talkgroups.1.name: this is the name at accounts.1.user too; expected another",
  ]) {
    assert.ok(found.includes(expected), `${expected}\n is not in\n${found.join("\n")}`);
  }
  assert.is(found.length, 14, found.join("\n"));
});

test("what is no configuration at all is a fault of its own", () => {
  assert.match(faults("site: [")[0] ?? "", /^c\.yaml:1:\d+: /);
  assert.equal(faults("site: a\nsite: b"), ["c.yaml:2:1: Map keys must be unique"]);
  assert.equal(faults("site: a\n---\nsite: b"), ["c.yaml:2:1: a second document starts here; expected one document"]);
  for (const nothing of ["", "none", "[a]", "null", "7"])
    assert.equal(faults(nothing), ["c.yaml: expected a gateway's configuration"]);
  assert.is(faults("{}").length, 7);
});

test("a value is what it looks like: no anchors, aliases or tags", () => {
  refuses([
    ['"choose one"', "&choose one-of-these", "c.yaml:8:38: anchors are not used here"],
    ['"choose one"', "*choose", "c.yaml:8:30: aliases are not used here"],
    ['"choose one"', "!!str chosen-one", "c.yaml:8:36: tags are not used here"],
    ['"choose one"', "!chosen-one", /^c\.yaml:8:30: tags are not used here/],
  ]);
});

test("names: site and gateway", () => {
  assert.is(config(changed(["site: north", "site: North-1"])).gateway, "north-1");
  const named = config(changed(["site: north", "site: Nordhügel 7\ngateway: n7"]));
  assert.equal([named.site, named.gateway], ["Nordhügel 7", "n7"]);
  refuses([
    ["site: north", 'site: " "\ngateway: n', "c.yaml: site: expected the site's name in 1 to 64 characters"],
    ["site: north", `site: ${"a".repeat(65)}\ngateway: n`, "c.yaml: site: expected"],
    ["site: north", 'site: "a\\nb"\ngateway: n', "c.yaml: site: expected"],
    ["site: north", "site: 7", "c.yaml: site: expected the site's name in 1 to 64 characters; put it in quotes"],
    ["site: north", "gateway: n", "c.yaml: site: missing; expected"],
    ["site: north", "site: north\ngateway: North", "c.yaml: gateway: expected 1 to 64 of a-z, 0-9 and -"],
    ["site: north", "site: Nordhügel", "c.yaml: gateway: missing, and the site's name makes no id"],
    ["crew.example", "crew..example", "c.yaml: realm: expected a domain name"],
    ["crew.example", "crew/example", "c.yaml: realm: expected a domain name"],
    ["crew.example", "-crew", "c.yaml: realm: expected a domain name"],
    ["crew.example", `${"a.".repeat(127)}aa`, "c.yaml: realm: expected a domain name"],
  ]);
});

test("addresses are numeric, and those that phones are told are no wildcards", () => {
  refuses([
    ["host: 127.0.0.1, port", "host: 0.0.0.0, port", "c.yaml: sip.host: expected one address of this machine"],
    ["host: 127.0.0.1, port", 'host: "0:0::0", port', "c.yaml: sip.host: expected one address of this machine"],
    ["host: 127.0.0.1, port", 'host: "fe80::1%eth0", port', "c.yaml: sip.host: expected a numeric"],
    ["host: 127.0.0.1, port", "host: 127.0.0.01, port", "c.yaml: sip.host: expected a numeric"],
    ["host: 127.0.0.1, ports", 'host: "::", ports', "c.yaml: media.host: expected one address of this machine"],
    ["host: 127.0.0.1, ports", "host: pbx.example, ports", "c.yaml: media.host: expected a numeric"],
    ["port: 5060", "port: 5060.5", "c.yaml: sip.port: expected a whole number"],
    ["port: 5060", 'port: "5060"', "c.yaml: sip.port: expected a whole number"],
    ["port: 5060", "port: 0", "c.yaml: sip.port: expected a whole number from 1 to 65535"],
    ["port: 5060", "port: 5060, digest: [SHA1]", "c.yaml: sip.digest.0: expected SHA-256 or MD5"],
    ["port: 5060", "port: 5060, advertised: { host: 1.2.3.4 }", "c.yaml: sip.advertised: unknown key"],
  ]);
});

test("media ports are a range with room for an even port and the next", () => {
  for (const good of ["20000-20001", "20001-20003", "1-3", "65534-65535"])
    assert.ok(config(changed(["20000-29999", good])).media.ports.first > 0, good);
  const room = "c.yaml: media.ports: expected the first port below the last, and room for an even port and the next";
  refuses([
    ["20000-29999", "20000-20000", room],
    ["20000-29999", "20001-20002", room],
    ["20000-29999", "29999-20000", room],
    ["20000-29999", "0-9", "c.yaml: media.ports: expected ports from 1 to 65535"],
    ["20000-29999", "60000-65536", "c.yaml: media.ports: expected ports from 1 to 65535"],
    ["20000-29999", "20000-", "c.yaml: media.ports: expected a range of UDP ports"],
    ["20000-29999", "[20000, 29999]", "c.yaml: media.ports: expected a range of UDP ports"],
  ]);
});

test("a broker is embedded, at a url, or none", () => {
  const broker = (yaml: string) => config(`${sound}\nbroker: ${yaml}`).broker;
  assert.is(broker("none"), undefined);
  assert.equal(broker('{ embedded: { host: 0.0.0.0, port: 1883, username: a, password: "b" } }'), {
    at: "embedded",
    host: "0.0.0.0",
    port: 1883,
    credentials: { username: "a", password: "b" },
  });
  assert.equal(broker("{ url: 'mqtts://broker.example', username: a, password: b }"), {
    at: "url",
    url: "mqtts://broker.example",
    credentials: { username: "a", password: "b" },
  });
  assert.equal(broker("{ url: 'mqtt://[::1]:1884/' }"), { at: "url", url: "mqtt://[::1]:1884/" });

  const embedded = "embedded: { host: 127.0.0.1, port: 1883 }";
  for (const [yaml, fault] of [
    ["", "c.yaml: broker: expected none, embedded: { host, port }, or url"],
    ["some", "c.yaml: broker: expected none, embedded: { host, port }, or url"],
    ["{}", "c.yaml: broker: expected embedded: { host, port }, or url; or none for a lone site"],
    [`{ ${embedded}, url: "mqtt://a" }`, "c.yaml: broker: embedded and url are both given; expected one of them"],
    [`{ ${embedded}, username: a, password: b }`, "c.yaml: broker: username and password of the embedded broker"],
    ["{ embedded: { host: localhost, port: 1883 } }", "c.yaml: broker.embedded.host: expected a numeric"],
    ['{ embedded: { host: "::1", port: 1, username: a } }', "c.yaml: broker.embedded: username and password come"],
    ['{ url: "mqtt://a", password: b }', "c.yaml: broker: username and password come together"],
    ['{ url: "mqtt://a:b@c" }', "c.yaml: broker.url: expected no user or password here"],
    ['{ url: "http://a" }', "c.yaml: broker.url: expected mqtt://host:port or mqtts://host:port"],
    ['{ url: "mqtt://" }', "c.yaml: broker.url: expected mqtt://host:port"],
    ['{ url: "mqtt://a/b" }', "c.yaml: broker.url: expected mqtt://host:port"],
    ['{ url: "mqtt://a:99999" }', "c.yaml: broker.url: expected mqtt://host:port"],
    ["{ url: 1883 }", "c.yaml: broker.url: expected mqtt://host:port"],
  ] as const) {
    const found = faults(`${sound}\nbroker: ${yaml}`);
    assert.is(found.length, 1, `"${yaml}" makes the faults ${JSON.stringify(found)}`);
    assert.match(found[0] ?? "", fault);
  }
});

test("the board's name leads nowhere but into boards/, and its control socket has a path that Linux takes", () => {
  assert.is(config(`${sound}\ncontrol: /tmp/roger.sock`).control, "/tmp/roger.sock");
  refuses([
    ["board: simulated", "board: ../secrets", "c.yaml: board: expected the name of a file in boards/ without .yaml"],
    ["board: simulated", "board: simulated.yaml", "c.yaml: board: expected the name"],
    ["board: simulated", 'board: simulated\ncontrol: ""', "c.yaml: control: expected the path of a socket"],
    ["board: simulated", `board: simulated\ncontrol: /${"é".repeat(54)}`, "c.yaml: control: expected the path"],
  ]);
});

test("with a store there may be no account and no talkgroup here, for they may be there", () => {
  assert.is(config(`${sound}\nstore: state/roger.db`).store, "state/roger.db");
  const empty = `${sound.replace(/accounts:[\s\S]*/, "")}accounts: []\ntalkgroups: []\n`;
  assert.equal(config(`${empty}store: roger.db`).accounts, []);
  assert.is(faults(empty).length, 2);
  for (const bad of ['""', "state/", '"a\\nb"', "7"])
    assert.match(faults(`${sound}\nstore: ${bad}`).join(), /^c\.yaml: store: expected the path of a file/, bad);
});

test("users and talkgroups share one space of names, and every reference leads somewhere", () => {
  refuses([
    [
      'user: "100"',
      "user: 100",
      "c.yaml: accounts.1.user: expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first; put it in quotes",
    ],
    ['user: "100"', "user: a/b", "c.yaml: accounts.1.user: expected"],
    ['user: "100"', 'user: "+49"', "c.yaml: accounts.1.user: expected"],
    ['user: "100"', 'user: "#"', "c.yaml: accounts.1.user: expected"],
    [
      'user: "100"',
      "user: panel",
      "c.yaml: accounts.1.user: this is the name at accounts.0.user too; expected another",
    ],
    ['user: "100"', "user: ops", "c.yaml: talkgroups.0.name: this is the name at accounts.1.user too"],
    [
      "name: all",
      "name: all }\n  - { name: all",
      "c.yaml: talkgroups.2.name: this is the name at talkgroups.1.name too",
    ],
    ["[ops, all]", "[ops, all, ops]", "c.yaml: accounts.1.talkgroups.2: given twice; remove one"],
    ["[ops, all]", "[ops, all, none]", "c.yaml: accounts.1.talkgroups.2: no talkgroup has this name"],
    ["talkgroups: [ops] }", "talkgroups: ops }", "c.yaml: accounts.0.talkgroups: expected a list of talkgroup names"],
    [
      "standing: [ops]",
      "standing: [other]",
      "c.yaml: accounts.1.standing.0: this is not among the account's talkgroups",
    ],
    ["emergency: []", "emergency: [other]", "c.yaml: accounts.1.emergency.0: this is not among the account's"],
    ["listenOnly: [all]", "listenOnly: [other]", "c.yaml: accounts.1.listenOnly.0: this is not among the account's"],
    ["account: panel", "account: nobody", "c.yaml: panel.account: no account has this user"],
    [
      "talkgroup: ops }",
      "talkgroup: all }",
      "c.yaml: panel.talkgroup: this is not among the talkgroups of the panel's",
    ],
    ["talkgroup: ops }", "}", "c.yaml: panel.talkgroup: missing; expected"],
  ]);
  assert.equal(faults(sound.replace(/accounts:[\s\S]*panel: .*\n/, "accounts: []\n")), [
    "c.yaml: accounts: expected one account at least, or a store",
  ]);
  assert.match(
    faults(sound.replace(/talkgroups:\n[\s\S]*/, "talkgroups: []\n")).join("\n"),
    "expected one talkgroup at least",
  );
});

test("a short password is refused with the reason", () => {
  refuses(
    [
      [
        '"choose one"',
        '"1234567"',
        "c.yaml: accounts.0.password: expected 8 to 128 characters; a shorter one can be guessed",
      ],
      ['"choose one"', "12345678", "c.yaml: accounts.0.password: expected 8 to 128 characters; .*; put it in quotes"],
      ['"choose one"', '"choose\\none"', "c.yaml: accounts.0.password: expected 8 to 128 characters"],
    ].map(([from = "", to = "", fault = ""]) => [from, to, new RegExp(fault)] as const),
  );
});

test("no fault repeats a password, whatever is wrong with it or its surroundings", () => {
  for (const written of [
    "hunter2",
    "abcdefgh,hunter2",
    "abc: hunter2",
    "!hunter2",
    "*hunter2",
    "&hunter2",
    "@hunter2",
    "%hunter2",
    "`hunter2",
    "[hunter2]",
    "{ hunter2: hunter2 }",
    "]hunter2",
    '"abcdefgh" hunter2',
    '"abcdefgh\\hunter2"',
    "'hunter2",
    '"hunter2',
    "abcdefgh, hunter2: hunter2",
    "abcdefgh }, hunter2, {",
    "? hunter2",
    "> hunter2",
    "#hunter2",
  ]) {
    for (const yaml of [
      changed(['"choose one"', written]),
      `${sound}\nbroker: { url: "mqtt://a", username: a, password: ${written} }`,
      `${sound}\nbroker: { embedded: { host: 127.0.0.1, port: 1, username: a, password: ${written} } }`,
      `${sound}\nbroker: { url: "mqtt://a:${written}@b" }`,
      `${sound}\nbroker:\n  url: mqtt://a\n  username: a\n  password: ${written}\n`,
      changed(["user: panel", `user: ${written}`]),
    ]) {
      for (const fault of faults(yaml)) assert.not.match(fault, "hunter2", `${fault}, of\n${yaml}`);
    }
  }
});

test.run();
