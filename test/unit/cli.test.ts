import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { connectBoard } from "../../hal/board/simulated-client.ts";

interface Rig {
  folder: string;
  /** Holds the SIP port of the configuration until it is closed. */
  holder: Server;
  good: string;
  children: ChildProcess[];
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const test = suite<Rig>("roger command");
const root = fileURLToPath(new URL("../../", import.meta.url));
const main = join(root, "firmware/start.ts");

async function hold(): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return { server, port: address.port };
}

async function letGo(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}

function configuration(folder: string, sipPort: number, brokerPort: number): string {
  return `
site: north
realm: crew.example
sip: { host: 127.0.0.1, port: ${sipPort} }
media: { host: 127.0.0.1, ports: 20000-29999 }
broker: { embedded: { host: 127.0.0.1, port: ${brokerPort} } }
board: simulated
control: ${folder}/north.sock
accounts: [{ user: panel, password: "choose one", talkgroups: [ops] }]
panel: { account: panel, talkgroup: ops }
talkgroups: [{ name: ops }]
`;
}

/** Starts the command. `preload`: text of a module that Node runs in each of its threads first. */
function start(rig: Rig, args: readonly string[], { preload = "" } = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: rig.folder,
    // A child that hangs fails its test instead of holding it up.
    timeout: 30_000,
    killSignal: "SIGKILL",
    env: { ...process.env, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}` },
  });
  return follow(rig, child);
}

function follow(rig: Rig, child: ReturnType<typeof spawn>) {
  rig.children.push(child);
  let out = "";
  let err = "";
  let heard = (): void => {};
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    heard();
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = once(child, "close").then(([code]: (number | null)[]): Ended => {
    heard();
    return { code: code ?? null, out, err };
  });
  return {
    child,
    ended,
    /** Waits for a log line of this event. */
    async logged(event: string): Promise<void> {
      while (!out.includes(`"event":"${event}"`)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`ended before "${event}":\n${out}${err}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}

test.before.each(async (rig) => {
  rig.children = [];
  rig.folder = mkdtempSync(join(tmpdir(), "roger-cli-"));
  const [sip, broker] = [await hold(), await hold()];
  await letGo(broker.server);
  rig.holder = sip.server;
  rig.good = join(rig.folder, "north.yaml");
  writeFileSync(rig.good, configuration(rig.folder, sip.port, broker.port), { mode: 0o600 });
});

test.after.each(async (rig) => {
  for (const child of rig.children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
  if (rig.holder.listening) await letGo(rig.holder);
  rmSync(rig.folder, { recursive: true });
});

test("the command says what it can do and which version it is", async (rig) => {
  const [help, version] = await Promise.all([start(rig, ["--help"]).ended, start(rig, ["--version"]).ended]);
  assert.is(help.code, 0);
  for (const word of ["run", "check", "user", "talkgroup"]) assert.match(help.out, word);
  assert.equal([version.code, /^\d+\.\d+\.\d+\n$/.test(version.out)], [0, true], version.out);
});

test("arguments that make no sense are refused with status 2", async (rig) => {
  const attempts = [["fly"], ["run"], ["check"], ["run", "-c", "x", "--log-level", "loud"], ["check", "x", "--wings"]];
  for (const { code, out, err } of await Promise.all(attempts.map((args) => start(rig, args).ended))) {
    assert.equal([code, out], [2, ""]);
    assert.match(err, "roger --help lists what there is");
  }
});

test("check calls a sound file sound, from any folder, and says where a gateway would refuse it for who can read it", async (rig) => {
  chmodSync(rig.good, 0o644);
  const script = spawn(join(root, "scripts/roger"), ["check", "north.yaml"], { cwd: rig.folder });
  const { code, out, err } = await follow(rig, script).ended;
  const mode = "holds passwords, but others can read or write it (mode 644); chmod 600 north.yaml";
  assert.equal(out.split("\n"), [`north.yaml: ${mode}; until then no gateway starts from it`, "north.yaml: sound", ""]);
  assert.equal([code, err], [0, ""]);
});

test("check lists every fault of every file, and what cannot be read", async (rig) => {
  writeFileSync(
    join(rig.folder, "bad.yaml"),
    configuration(rig.folder, 0, 1883).replace("realm: crew.example", "x: 1"),
  );
  writeFileSync(join(rig.folder, "board.yaml"), configuration(rig.folder, 1, 2).replace("simulated", "quantum"));
  writeFileSync(join(rig.folder, "latin.yaml"), Buffer.from("site: Nordh\xfcgel\n", "latin1"));
  const files = ["none.yaml", "bad.yaml", "north.yaml", "board.yaml", "latin.yaml", "."];
  const { code, out, err } = await start(rig, ["check", ...files]).ended;
  assert.equal(out.split("\n"), [
    "none.yaml: cannot be read: no such file or directory; correct its path or its permissions",
    "bad.yaml: realm: missing; expected a domain name in lower case, such as crew.example",
    "bad.yaml: sip.port: expected a whole number from 1 to 65535",
    "bad.yaml: x: unknown key; correct or remove it",
    "north.yaml: sound",
    "board.yaml: board: boards/ has no quantum.yaml, only simulated",
    "latin.yaml: is not UTF-8 text; save it as UTF-8",
    ".: cannot be read: illegal operation on a directory; correct its path or its permissions",
    "",
  ]);
  assert.equal([code, err], [2, ""]);
});

test("run refuses a file that others can read, before it opens anything", async (rig) => {
  for (const mode of [0o640, 0o602, 0o604]) {
    chmodSync(rig.good, mode);
    const { code, out, err } = await start(rig, ["run", "--config", "north.yaml"]).ended;
    const found = mode.toString(8);
    assert.is(
      err,
      `north.yaml: holds passwords, but others can read or write it (mode ${found}); chmod 600 north.yaml\n`,
    );
    // The SIP port is held: had it been tried, the status would be another.
    assert.equal([code, out, existsSync(join(rig.folder, "north.sock"))], [2, "", false]);
  }
});

test("run refuses a faulty file and a board that there is none of, before it opens anything", async (rig) => {
  const sound = configuration(rig.folder, 1, 2);
  for (const [from, to, fault] of [
    ["realm: crew.example", "", "north.yaml: realm: missing"],
    ["board: simulated", "board: quantum", "north.yaml: board: boards/ has no quantum.yaml"],
    ["talkgroups: [ops]", "talkgroups: [opz]", "north.yaml: accounts.0.talkgroups.0: no talkgroup has this name"],
  ] as const) {
    writeFileSync(rig.good, sound.replace(from, to));
    const { code, out, err } = await start(rig, ["run", "-c", "north.yaml"]).ended;
    assert.match(err, fault);
    assert.equal([code, out, existsSync(join(rig.folder, "north.sock"))], [2, "", false]);
  }
});

test("check and run look at the files of TLS too, and before anything is opened", async (rig) => {
  const tls = "tls: { certificate: none.pem, key: none.key }";
  writeFileSync(rig.good, configuration(rig.folder, 1, 2).replace(/(sip: \{.*) \}/, `$1, ${tls} }`));
  const missing = "cannot be read: no such file or directory; correct its path or its permissions";
  const lines = [
    `north.yaml: sip.tls.certificate: none.pem ${missing}`,
    `north.yaml: sip.tls.key: none.key ${missing}`,
    "",
  ].join("\n");
  assert.equal(await start(rig, ["check", "north.yaml"]).ended, { code: 2, out: lines, err: "" });
  assert.equal(await start(rig, ["run", "-c", "north.yaml"]).ended, { code: 2, out: "", err: lines });
});

test("an address that is not to be had ends the start with status 1, one line, and nothing left behind", async (rig) => {
  const { code, err } = await start(rig, ["run", "-c", "north.yaml"]).ended;
  assert.match(err, /^roger: tcp 127\.0\.0\.1:\d+: another program holds this address; .* \(EADDRINUSE\)\n$/);
  assert.equal([code, existsSync(join(rig.folder, "north.sock"))], [1, false]);
});

test("run logs lines of JSON, says when it is ready, and closes everything on SIGTERM", async (rig) => {
  await letGo(rig.holder);
  const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"]);
  await logged("ready");
  assert.ok(existsSync(join(rig.folder, "north.sock")));
  child.kill("SIGTERM");
  const { code, out, err } = await ended;
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.ok(lines.every(({ name, level, time }) => name === "north" && level && time > "2026"));
  const events = lines.map(({ event }) => event);
  assert.ok(events.includes("closing") && events.at(-1) === "closed", out);
  assert.equal([code, err, existsSync(join(rig.folder, "north.sock"))], [0, "", false]);
});

test("--pretty writes for people, --log-level leaves out what is below", async (rig) => {
  await letGo(rig.holder);
  const pretty = start(rig, ["run", "-c", "north.yaml", "--pretty", "--log-level", "debug"]);
  pretty.child.stdout?.on("data", (text: string) => text.includes("gateway stands") && pretty.child.kill("SIGINT"));
  const { code, out } = await pretty.ended;
  assert.match(out, /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO \(north\): gateway stands \{"site":"north"/m);
  assert.is(code, 0);
});

/** On SIGUSR2 the main thread throws; on SIGHUP every worker thread does. */
const bugs = `
  import { isMainThread } from "node:worker_threads";
  const bug = new BroadcastChannel("bug");
  if (isMainThread) {
    process.on("SIGUSR2", () => { throw new Error("a bug in main"); });
    process.on("SIGHUP", () => bug.postMessage("now"));
  } else {
    bug.onmessage = () => { throw new Error("a bug in the worker"); };
  }
  bug.unref();
`;

for (const [signal, thread] of [
  ["SIGUSR2", "main"],
  ["SIGHUP", "the worker"],
] as const) {
  test(`a bug in ${thread} is logged and ends the process with status 70`, async (rig) => {
    await letGo(rig.holder);
    const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"], { preload: bugs });
    await logged("ready");
    child.kill(signal);
    const { code, out } = await ended;
    assert.match(out, new RegExp(`"level":"fatal".*"event":"bug".*"message":"a bug in ${thread}"`));
    assert.is(code, 70);
  });
}

test("after a bug no output of the board stays driven", async (rig) => {
  await letGo(rig.holder);
  const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"], { preload: bugs });
  // The panel's session stands, and its lamp is lit, before anybody has a role in the talkgroup.
  await logged("role");
  const client = await connectBoard(join(rig.folder, "north.sock"));
  const dark = client.next((event) => event.event === "pin" && event.role === "ready-lamp" && !event.active);
  child.kill("SIGUSR2");
  await dark;
  const { code } = await ended;
  client.close();
  assert.is(code, 70);
});

/** No server ever says that it is closed. */
const hang = `
  import { Server } from "node:net";
  Server.prototype.close = function () { return this; };
`;

test("what does not close is waited for 3 s at most", async (rig) => {
  await letGo(rig.holder);
  const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"], { preload: hang });
  await logged("ready");
  child.kill("SIGTERM");
  const { code, out } = await ended;
  assert.match(out, "not everything closed within 3 s");
  assert.is(code, 0);
});

/** No server ever listens. */
const stuck = `
  import { Server } from "node:net";
  Server.prototype.listen = function () { console.log('{"event":"stuck"}'); return this; };
`;

test("a start that hangs can be ended too", async (rig) => {
  const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"], { preload: stuck });
  await logged("stuck");
  child.kill("SIGTERM");
  const { code, out } = await ended;
  assert.match(out, "not everything closed within 3 s");
  assert.is(code, 0);
});

test("a second signal ends the process at once", async (rig) => {
  await letGo(rig.holder);
  const { child, logged, ended } = start(rig, ["run", "-c", "north.yaml"], { preload: hang });
  await logged("ready");
  child.kill("SIGTERM");
  await logged("closing");
  child.kill("SIGINT");
  const { code, out } = await ended;
  assert.not.match(out, "not everything closed");
  assert.is(code, 130);
});

test.run();
