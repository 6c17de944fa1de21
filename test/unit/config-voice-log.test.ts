import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../firmware/config/files.ts";
import { type Config, readConfig } from "../../firmware/config.ts";

const file = (voiceLog: string, record = "record: true"): string => `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts: [{ user: alice, password: "choose one", talkgroups: [ops] }]
talkgroups: [{ name: ops, ${record} }, { name: fire }]
${voiceLog === "" ? "" : `voiceLog: ${voiceLog}`}
`;

function read(text: string): Config | string[] {
  const found = readConfig(text, "c.yaml");
  return "faults" in found ? found.faults.map(({ path, message }) => `${path}: ${message}`) : found.config;
}

test("a talkgroup is recorded where it says so, for a month, as long as there is room", () => {
  const config = read(file("{ folder: log }"));
  if (Array.isArray(config)) throw new Error(config.join());
  assert.equal(
    config.talkgroups.map(({ record }) => record),
    [true, undefined],
  );
  assert.equal(config.voiceLog, {
    ...{ folder: "log", mostAgeMs: 30 * 86_400_000, mostBytes: 2e9, leastFreeBytes: 2e8, announce: false },
  });
  const own = read(file("{ folder: /log, days: 0.5, megabytes: 10, freeMegabytes: 0, announce: true }"));
  assert.equal(Array.isArray(own) ? own : own.voiceLog, {
    ...{ folder: "/log", mostAgeMs: 43_200_000, mostBytes: 1e7, leastFreeBytes: 0, announce: true },
  });
});

test("what cannot be is told, with what would do", () => {
  assert.equal(read(file("")), [
    "c.yaml: talkgroups.0.record: recorded, but nowhere; add voiceLog: { folder: … }, or remove this",
  ]);
  assert.ok(!Array.isArray(read(file("", "record: false"))));
  for (const [voiceLog, fault] of [
    ["{ days: 3 }", "voiceLog.folder: missing; expected the path of a file"],
    ["{ folder: log, days: 0 }", "voiceLog.days: expected 0.1 to 3650 days"],
    ["{ folder: log, megabytes: lots }", "voiceLog.megabytes: expected 1 to 10000000 megabytes"],
    ["log", "voiceLog: expected folder, and days, megabytes, freeMegabytes or announce"],
    ["{ folder: log, weeks: 3 }", "voiceLog.weeks: unknown key"],
  ])
    assert.match(String(read(file(voiceLog ?? ""))), `c.yaml: ${fault}`);
});

test("its folder is found from that of the configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-config-"));
  const path = join(folder, "north.yaml");
  writeFileSync(path, file("{ folder: log }"), { mode: 0o600 });
  const site = readSite(path, { secret: true, now: 0 });
  assert.is("faults" in site ? JSON.stringify(site.faults) : site.config.voiceLog?.folder, join(folder, "log"));
  rmSync(folder, { recursive: true });
});

test.run();
