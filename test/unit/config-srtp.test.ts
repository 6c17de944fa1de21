import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readSite } from "../../firmware/config/files.ts";

function read(srtp: string) {
  const folder = mkdtempSync(join(tmpdir(), "roger-srtp-"));
  const file = join(folder, "north.yaml");
  writeFileSync(
    file,
    `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: 5060 }
media: { host: 127.0.0.1, ports: 20000-29999${srtp} }
broker: none
board: simulated
accounts: [{ user: panel, password: "choose one", talkgroups: [ops] }]
talkgroups: [{ name: ops }]
`,
    { mode: 0o600 },
  );
  const site = readSite(file, { secret: false, now: 0 });
  rmSync(folder, { recursive: true });
  return site;
}

test("SRTP is offered where nothing is said, and its keys are not to cross a network in clear unnoticed", () => {
  const found = ["", ", srtp: off", ", srtp: offered", ", srtp: required", ", srtp: always"].map((srtp) => {
    const site = read(srtp);
    if ("faults" in site) return site.faults.map(({ path, message }) => `${path}: ${message}`).join();
    return [site.config.media.srtp, ...site.warnings.map(({ path }) => path)].join(", warns of ");
  });
  assert.equal(found.slice(0, 4), ["offered", "off", "offered", "required, warns of media.srtp"]);
  assert.match(found[4] ?? "", /media\.srtp: .*expected off, offered or required/);
});

test.run();
