import * as assert from "uvu/assert";
import { type Config, readConfig } from "../../firmware/config.ts";

/** A configuration without a fault. */
export const sound = `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999 }
board: simulated
accounts:
  - { user: panel, password: "choose one", talkgroups: [ops] }
  - { user: "100", password: "another one", talkgroups: [ops, all], standing: [ops], listenOnly: [all], dispatcher: [ops], noPreempt: [ops], emergency: [], priority: 7, digest: [MD5] }
panel: { account: panel, talkgroup: ops }
talkgroups:
  - { name: ops, talkSeconds: 12.5, hangSeconds: 0 }
  - { name: all }
`;

/** The sound file with some of its text put otherwise. */
export function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  return changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `no "${from}" in the file`);
    return text.replace(from, to);
  }, sound);
}

export function config(yaml: string): Config {
  const read = readConfig(yaml, "c.yaml");
  if ("faults" in read) throw new Error(JSON.stringify(read.faults, undefined, 2));
  return read.config;
}

export function faults(yaml: string): string[] {
  const read = readConfig(yaml, "c.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

/** Each row: one change, and the only fault that it makes. */
export function refuses(rows: readonly (readonly [from: string, to: string, fault: string | RegExp])[]): void {
  for (const [from, to, fault] of rows) {
    const found = faults(changed([from, to]));
    assert.is(found.length, 1, `"${to}" makes the faults ${JSON.stringify(found)}, expected ${fault}`);
    assert.match(found[0] ?? "", fault);
  }
}
