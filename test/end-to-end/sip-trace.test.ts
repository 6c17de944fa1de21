import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startSite } from "../../scripts/demonstration/site.ts";
import { program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";

const roger = join(projectRoot, "scripts/roger");

test("roger sip trace shows the messages of a running gateway as a ladder, and ends with it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-trace-"));
  const admin = join(folder, "admin.sock");
  const gateway = await startSite({
    site: "north",
    sipPort: 25_070,
    mediaPorts: "22000-22999",
    broker: `none\nadmin: ${admin}`,
    folder,
    log: join(folder, "north.log"),
  });
  assert.is(statSync(admin).mode & 0o777, 0o600);
  const trace = program(roger, ["sip", "trace", "--config", join(folder, "north.yaml"), "--user", "north-panel"]);
  const whole = program(roger, ["sip", "trace", "--config", join(folder, "north.yaml"), "--whole"]);
  // Going down, the panel says good-bye and un-registers: both can be seen once the traces are there.
  await gateway.logged("two who look on", ({ event, lookers }) => event === "trace" && lookers === 2);
  await gateway.close();
  assert.is(await trace.ended, 0);
  assert.is(await whole.ended, 0);
  const ladder = trace.lines.join("\n");
  assert.match(ladder, /──▶ {2}BYE sip:ops@127\.0\.0\.1:25070/);
  assert.match(ladder, /──▶ {2}REGISTER sip:crew\.example/);
  assert.match(ladder, /◀── {2}200 OK \(REGISTER\)/);
  assert.match(whole.lines.join("\n"), /^ {4}Authorization: Digest .*response="\*\*\*"/m);
  assert.not.match(readFileSync(join(folder, "north.log"), "utf8"), /response="[0-9a-f]/);
  rmSync(folder, { recursive: true });
});

test("without an admin socket, or without a gateway, it says what to do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-trace-"));
  const gateway = await startSite({
    site: "north",
    sipPort: 25_071,
    mediaPorts: "22000-22999",
    broker: "none",
    folder,
    log: join(folder, "north.log"),
  });
  const without = program(roger, ["sip", "trace", "--config", join(folder, "north.yaml")]);
  assert.is(await without.ended, 2);
  assert.match(without.lines.join("\n"), /north\.yaml: admin: missing; name a socket/);
  await gateway.close();
  rmSync(folder, { recursive: true });
});

test.run();
