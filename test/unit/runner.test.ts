import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

const project = fileURLToPath(new URL("../..", import.meta.url));
const runner = join(project, "test/runner/run.ts");
const skipping = JSON.stringify(join(project, "test/support/skip.ts"));

const uvu = `import { test } from "uvu"; import { spawn } from "node:child_process";
const start = (program, args, detached) => spawn(program, args, { stdio: "ignore", detached }).unref();\n`;
const passing = 'test("a", () => {});\n';

type Files = Readonly<Record<string, string>>;

/** A project of its own with these test files, while `body` runs. */
async function withProject<Result>(files: Files, body: (root: string) => Promise<Result>): Promise<Result> {
  const root = mkdtempSync(join(tmpdir(), "roger-runner-"));
  try {
    symlinkSync(join(project, "node_modules"), join(root, "node_modules"));
    writeFileSync(join(root, "package.json"), '{ "type": "module" }');
    for (const [name, source] of Object.entries(files)) {
      const file = join(root, "test", `${name}.test.ts`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, uvu + source);
    }
    return await body(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function start(root: string, ...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [runner, "--root", root, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

async function outcome(child: ChildProcess) {
  let output = "";
  child.stdout?.on("data", (data) => {
    output += data;
  });
  const [status] = await once(child, "close");
  return { status, output, last: output.split("\n").at(-2) };
}

const run = (files: Files, ...args: readonly string[]) => withProject(files, (root) => outcome(start(root, ...args)));

function isRunning(pid: number): boolean {
  try {
    // A zombie is no more than an entry in a table.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("files that pass are a line each, and the last line has the sum", async () => {
  const { status, output, last } = await run({
    "unit/one": `${passing}${passing}test.run();`,
    "stories/two": `${passing}test.run();`,
  });
  assert.is(last, "3 passed, 0 failed");
  assert.is(status, 0);
  assert.match(output, /^ok {6}2 passed .* s {2}test\/unit\/one\.test\.ts$/m);
});

test("a failed test is counted beside those that passed, and the file's output is shown", async () => {
  const { status, output, last } = await run({
    "unit/one": `${passing}test("b", () => { throw new Error("the floor is lava"); }); test.run();`,
  });
  assert.is(last, "1 passed, 1 failed");
  assert.is(status, 1);
  assert.match(output, "the floor is lava");
});

test("a file that did not report has failed, however it ended", async () => {
  const { status, output, last } = await run({
    "unit/good": `${passing}test.run();`,
    "unit/never-runs": passing,
    "unit/leaves-early": `${passing}test.run(); process.exit(0);`,
    "unit/leaves-in-a-test": `test("a", () => process.exit(0)); test.run();`,
    "unit/throws-at-import": 'throw new Error("no such thing");',
    "unit/no-typescript": "enum A { B }",
    "unit/is-killed": 'process.kill(process.pid, "SIGKILL");',
  });
  assert.is(last, "1 passed, 6 failed");
  assert.is(status, 1);
  for (const why of ["ended with status 0", "ended with status 1", "was ended by SIGKILL"])
    assert.match(output, `did not report: it ${why}`);
});

test("what uvu lets pass fails: no tests, a hook that throws, tests left out without a reason, a late crash", async () => {
  const { output, last } = await run({
    "unit/empty": "test.run();",
    "unit/hook": `test.before(() => { throw new Error(); }); ${passing}test.run();`,
    "unit/left-out": `${passing}test.skip("b", () => {}); test.run();`,
    "unit/only": `${passing}test.only("b", () => {}); test.run();`,
    "unit/late": `${passing}test.run(); setTimeout(() => { throw new Error(); }, 50);`,
  });
  assert.is(last, "3 passed, 6 failed");
  assert.match(output, "it has no tests");
  assert.match(output, "it ended with status 0 with 0 of 1 tests passed");
  assert.match(output, "it ended with status 1 with 1 of 1 tests passed");
  assert.is(output.match(/left out without a reason/g)?.length, 2);
});

test("skips are listed with their reasons, and counted apart", async () => {
  const { status, output, last } = await run({
    "unit/one": `import { testWith } from ${skipping};
      testWith("no-such-program")("radio: it works", () => {}); testWith("sh")("b", () => {}); test.run();`,
  });
  assert.is(last, "1 passed, 0 failed, 1 skipped");
  assert.is(status, 0);
  assert.match(output, "  test/unit/one.test.ts: radio: it works: no-such-program not installed\n");
});

test("nothing to run is a failure: no file, no match, nothing but skips", async () => {
  const skips = { "unit/one": `import { skip } from ${skipping}; skip("a", "no board"); test.run();` };
  for (const [files, pattern, expected] of [
    [{}, "", "0 passed, 1 failed"],
    [{ "unit/one": passing }, "two", "0 passed, 1 failed"],
    [skips, "one", "0 passed, 1 failed, 1 skipped"],
  ] as const) {
    const { status, last } = await run(files, pattern);
    assert.equal([status, last], [1, expected]);
  }
});

test("a pattern picks files by path", async () => {
  const file = `${passing}test.run();`;
  const { last } = await run({ "unit/sip/one": file, "unit/floor/two": file, "stories/sip": file }, "sip");
  assert.is(last, "2 passed, 0 failed");
});

test("a check that fails is one failure, and the tests run all the same", async () => {
  const { status, output, last } = await run(
    { "unit/one": `${passing}test.run();` },
    ...["--check", "true", "--check", "echo no good; exit 3"],
  );
  assert.is(last, "2 passed, 1 failed");
  assert.is(status, 1);
  assert.match(output, /ended with status 3\n.*no good/);
});

test("what a file leaves running is named, ended, and fails the file: beside it, detached, or with a clean environment", async () => {
  const { output, last } = await run({
    "unit/beside": `${passing}test.run(); start("sleep", ["1001"], false);`,
    "unit/detached": `${passing}test.run(); start("sleep", ["1002"], true);`,
    "unit/daemon": `${passing}test.run(); start("sh", ["-c", "setsid sleep 1003 & setsid sleep 1004 &"], true);`,
    "unit/clean": `${passing}test.run(); start("env", ["-i", "sleep", "1005"], false);`,
  });
  assert.is(last, "4 passed, 4 failed");
  const left = [...output.matchAll(/left process (\d+) running: sleep (\d+)/g)];
  assert.equal(left.map(([, , argument]) => argument).toSorted(), ["1001", "1002", "1003", "1004", "1005"]);
  assert.equal(
    left.filter(([, pid]) => isRunning(Number(pid))),
    [],
  );
});

test("a file that does not end is ended after its time, with all that it started", async () => {
  const { output, last } = await run(
    {
      "unit/slow": `${passing}test.run(); start("sleep", ["1006"], true); setInterval(() => {}, 1000);`,
      "unit/stuck": `test("a", () => { for (;;); }); test.run();`,
    },
    ...["--limit", "2"],
  );
  assert.match(output, "it did not end within 2 s with 1 of 1 tests passed");
  assert.match(output, "did not report: it did not end within 2 s");
  assert.is(last, "1 passed, 2 failed");
});

test("a runner that is told to end ends what it started, and still gives its account", async () => {
  await withProject(
    {
      "stories/endless": `${passing}test.run(); setInterval(() => {}, 1000);
        const child = spawn("sleep", ["1007"], { stdio: "ignore", detached: true });
        const { writeFileSync, renameSync } = await import("node:fs");
        writeFileSync("pids.part", process.pid + " " + child.pid); renameSync("pids.part", "pids");`,
      "stories/next": `${passing}test.run();`,
    },
    async (root) => {
      const child = start(root);
      const ended = outcome(child);
      while (!existsSync(join(root, "pids"))) await sleep(20);
      child.kill("SIGTERM");
      const { status, output, last } = await ended;
      assert.is(status, 143);
      assert.match(output, "interrupted by SIGTERM");
      assert.not.match(output, "stories/next");
      assert.match(last ?? "", /^[01] passed, 2 failed$/);
      const pids = readFileSync(join(root, "pids"), "utf8").split(" ").map(Number);
      assert.equal([pids.length, pids.filter(isRunning)], [2, []]);
    },
  );
});

test.run();
