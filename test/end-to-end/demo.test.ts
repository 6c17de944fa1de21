import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readWav } from "../../hal/audio/wav.ts";
import { program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";

test("scripts/demo --once carries real speech both ways, prints when what happened, and leaves the recordings", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-demo-test-"));
  const demo = program(join(projectRoot, "scripts/demo"), ["--once", "--out", folder]);
  const status = await demo.ended;
  const printed = demo.lines.join("\n");
  assert.is(status, 0, printed);
  for (const line of [/button edge at north/, /Floor Granted/, /first sample out at south/, /end of burst: north/])
    assert.match(printed, line);
  for (const site of ["north", "south"]) assert.ok((await readWav(join(folder, `${site}.wav`))).length > 240_000);
  rmSync(folder, { recursive: true });
});

test("scripts/demo says what went wrong, and where to look, when a gateway cannot start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roger-demo-test-"));
  const demo = program(join(projectRoot, "scripts/demo"), ["--once", "--out", folder, "--broker", "http://127.0.0.1"]);
  assert.is(await demo.ended, 1);
  assert.match(demo.lines.join("\n"), /gateway north.*mqtt.*north\.log/);
  rmSync(folder, { recursive: true });
});

test.run();
