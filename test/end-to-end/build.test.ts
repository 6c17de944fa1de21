import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { program } from "../support/program.ts";
import { projectRoot } from "../support/source.ts";

test("what npm run build makes runs without the sources: a gateway with the README's configuration stands", async () => {
  execFileSync("npm", ["run", "build"], { cwd: projectRoot, stdio: "pipe", timeout: 120_000 });
  const folder = mkdtempSync(join(tmpdir(), "roger-build-"));
  const config = join(folder, "north.yaml");
  const [, yaml = ""] = /```yaml\n(site: [\s\S]*?)```/.exec(readFileSync(join(projectRoot, "README.md"), "utf8")) ?? [];
  // Only the ports and the socket are this test's own.
  const own = yaml
    .replace("port: 5060", "port: 25060")
    .replace("port: 1883", "port: 21883")
    .replace("/tmp/roger-north.sock", join(folder, "north.sock"));
  writeFileSync(config, own, { mode: 0o600 });
  const gateway = program(process.execPath, [join(projectRoot, "dist/firmware/start.js"), "run", "--config", config]);
  try {
    await gateway.printed(/"event":"ready"/);
    await gateway.printed(/"event":"session"/);
  } finally {
    await gateway.stop();
    rmSync(folder, { recursive: true });
  }
  assert.is(await gateway.ended, 0);
});

test.run();
