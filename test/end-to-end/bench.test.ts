import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { projectRoot } from "../support/source.ts";

function bench(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(join(projectRoot, "scripts/bench"), args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

test("scripts/bench names its benchmarks, and each explains itself", () => {
  const help = bench("--help");
  assert.is(help.status, 0);
  assert.match(help.stdout, /usage: scripts\/bench /);
  const options = {
    floor: "--requests",
    memory: "--legs",
    mix: "--speakers",
    mixing: "--speakers",
    parse: "--mutations",
    presence: "--watchers",
    register: "--rate",
    relay: "--seconds",
    restart: "--terminals",
    transcoding: "--rounds",
  };
  for (const [name, option] of Object.entries(options)) {
    assert.match(help.stdout, new RegExp(`^ +${name} +[A-Z]`, "m"));
    const own = bench(name, "--help");
    assert.is(own.status, 0, name);
    assert.match(own.stdout, new RegExp(`${option} <counts?>`));
  }
});

test("scripts/bench takes no benchmark that is not there, and no option that means nothing", () => {
  for (const args of [
    ["haste"],
    ["--fast"],
    ["parse", "--mutations", "0"],
    ["register", "--only", "me"],
    ["--peers", "me"],
    ["relay", "--listeners", "1,none"],
  ]) {
    const { status, stderr } = bench(...args);
    assert.ok(status !== 0, args.join(" "));
    assert.match(stderr, /haste|--fast|whole number|some of|--peers/);
  }
});

test.run();
