/** The rules of the house: who may import whom, and what no file may hold. A new room starts with a row in the table. */
import { test } from "uvu";
import * as assert from "uvu/assert";
import { filesIn, type Import, readSource, type SourceFile } from "./support/source.ts";

const port = (...names: readonly string[]): string[] => names.map((name) => `hal/${name}/port.ts`);
/** Of what technicians write; no drivers. */
const readers = ["hal/board/description.ts", "hal/board/fault.ts", "hal/board/yaml.ts"];
/** Rows of numbers that firmware writes and drivers send by. */
const streams = "hal/network/streams.ts";
const log = "firmware/log.ts";
const machine = "firmware/machine.ts";
const drops = "firmware/drops.ts";

/**
 * What the files of a room may import beside each other: files, whole rooms, packages. Leaves know no room; the rooms
 * that know leaves never know each other: they are joined in gateway.ts.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  // Leaves.
  [log]: [],
  [machine]: port("clock"),
  [drops]: [log],
  "firmware/floor": [machine],
  "firmware/media": ["hal/error.ts", streams, ...port("audio", "clock", "network", "opus", "random", "srtp")],
  "firmware/sip": [
    log,
    machine,
    drops,
    "hal/error.ts",
    ...port("clock", "network", "random", "srtp"),
    "node:crypto",
    "sdp-transform",
  ],
  "firmware/store": [
    log,
    "hal/error.ts",
    ...port("clock"),
    ...["fs", "path", "sqlite", "util", "worker_threads"].map((name) => `node:${name}`),
  ],

  // Rooms.
  "firmware/agent": [
    ...[log, machine, "firmware/floor", "firmware/media", "firmware/sip"],
    ...["hal/error.ts", ...port("audio", "clock", "network", "opus", "random", "srtp")],
  ],
  "firmware/conference": [
    ...[log, machine, "firmware/floor", "firmware/media"],
    // Session descriptions, and the fault of a peer; the conference server speaks no SIP.
    ...["firmware/sip/message.ts", "firmware/sip/negotiation.ts"],
    ...["hal/error.ts", streams, ...port("audio", "clock", "network", "opus", "random", "srtp"), "node:worker_threads"],
  ],
  "firmware/console": [
    ...[log, "firmware/sip/uri.ts", ...port("clock", "http", "local", "network"), "prom-client", "zod"],
  ],
  "firmware/federation": [log, machine, drops, "hal/error.ts", ...port("broker", "clock", "random"), "node:crypto"],
  "firmware/panel": [log, machine, "firmware/media/tones.ts", ...port("audio", "board", "clock", "gpio")],
  "firmware/recorder": [
    ...[log, "firmware/media/opus-packet.ts", "firmware/media/packed-speech.ts", "firmware/store"],
    ...[
      "hal/error.ts",
      ...port("clock", "random"),
      ...["fs", "path", "sqlite", "worker_threads"].map((name) => `node:${name}`),
    ],
  ],
  "firmware/presence": [log, machine, "firmware/sip", ...port("clock", "network", "random"), "node:crypto"],

  // The program.
  "firmware/config": [
    ...["firmware/config.ts", "firmware/federation/topic.ts"],
    ...["boards", ...readers, "node:crypto", "node:fs", "node:net", "node:path", "node:util", "zod"],
  ],
  "firmware/config.ts": [
    ...["firmware/config", "firmware/sip/digest.ts", "firmware/conference/protocol.ts", ...readers],
  ],
  "firmware/gateway.ts": [
    ...[log, "firmware/config.ts", "firmware/media/port-pair.ts", "firmware/sip/endpoint.ts"],
    ...["firmware/agent/agent.ts", "firmware/panel/panel.ts"],
    ...["firmware/conference/link.ts", "firmware/conference/protocol.ts", "firmware/federation/federation.ts"],
    ...["firmware/presence/accounts.ts", "firmware/presence/presence.ts", "firmware/presence/rules.ts"],
    "firmware/presence/terminal.ts",
    ...["firmware/recorder/recorder.ts", "firmware/recorder/replays.ts"],
    ...["firmware/seed.ts", "firmware/store/store.ts", "firmware/voice-log.ts"],
    ...port("board", "broker", "clock", "network", "opus", "random", "srtp"),
  ],
  "firmware/logging.ts": ["pino", "pino-pretty"],
  "firmware/cli.ts": [
    ...["firmware/cli", "firmware/config/files.ts", "firmware/console/trace-entry.ts", "firmware/logging.ts"],
    ...["firmware/store/inspection.ts", ...readers, "package.json", "commander", "node:fs", "zod"],
  ],
  "firmware/cli": [
    ...["firmware/config", "firmware/config.ts", "firmware/seed.ts", "firmware/store/editing.ts"],
    ...["firmware/console/ask-log.ts", "firmware/console/log-question.ts"],
    ...["firmware/store/store.ts", "firmware/presence/accounts.ts"],
    ...["hal/board/fault.ts", "hal/error.ts", "commander", "node:fs", "node:stream", "node:tty", "zod"],
  ],
  "firmware/ending.ts": ["firmware/cli/status.ts", ...port("clock"), "node:os", "pino"],
  "firmware/main.ts": [
    ...[
      "firmware/cli.ts",
      "firmware/cli/log.ts",
      "firmware/cli/status.ts",
      "firmware/config",
      "firmware/config.ts",
      "firmware/ending.ts",
    ],
    ...["firmware/console", "firmware/gateway.ts"],
    ...["firmware/logging.ts", "firmware/conference/launch.ts", "firmware/sip/uri.ts", "hal", "node:os", "pino"],
    ...["firmware/recorder/keeping.ts", "firmware/store/store.ts", "firmware/store/writing.ts"],
  ],
  "firmware/seed.ts": ["firmware/config.ts", "firmware/presence/accounts.ts", "firmware/store/store.ts"],

  "firmware/voice-log.ts": [
    ...[log, "firmware/config.ts", "firmware/conference/protocol.ts"],
    ...["firmware/recorder/recorder.ts", "firmware/recorder/replays.ts"],
  ],

  "firmware/start.ts": ["firmware/main.ts", "node:v8"],

  // Hardware and the machine: ports, and their drivers beside them.
  "hal/audio": ["hal/error.ts", ...port("clock"), "node:fs/promises"],
  "hal/board": [
    ...["hal/error.ts", ...port("audio", "clock", "gpio", "random")],
    ...["node:fs", "node:net", "yaml", "zod"],
  ],
  "hal/broker": ["hal/error.ts", ...port("clock"), "aedes", "mqtt", "node:crypto", "node:net"],
  "hal/clock": [],
  "hal/error.ts": [],
  "hal/gpio": ["hal/error.ts", ...port("clock", "random")],
  "hal/hal.ts": ["hal"],
  "hal/http": [...port("network"), "node:events", "node:http"],
  "hal/local": ["hal/error.ts", "node:fs", "node:net"],
  "hal/native": ["node:module"],
  "hal/network": [
    ...["hal/error.ts", ...port("clock", "native", "random", "srtp")],
    ...["node:dgram", "node:net", "node:tls", "node:util"],
  ],
  "hal/opus": [...port("audio", "native"), "libopus-wasm"],
  "hal/random": ["node:crypto"],
  "hal/serial": [],
  "hal/speech.ts": ["hal"],
  "hal/srtp": [...port("native"), "node:crypto"],

  scripts: ["hal", "commander", "node:*"],
  test: ["firmware", "hal", "scripts", "node:*", "uvu"],
};

/** Single files that may import more than their room. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // A thread of its own opens what it uses: ports do not cross threads.
  "firmware/conference/worker.ts": ["hal/clock/monotonic.ts", "hal/random/node.ts", "hal/speech.ts"],
  "firmware/recorder/worker.ts": ["hal/clock/monotonic.ts", "hal/random/node.ts"],
  // The simulated devices are made of one another.
  "hal/board/simulated.ts": ["hal/audio/simulated.ts", "hal/gpio/simulated.ts"],
  "hal/board/simulated-control.ts": ["hal/audio/recording.ts", "hal/audio/wav.ts", "hal/local/private-socket.ts"],
  "hal/broker/embedded.ts": ["hal/network/fault.ts"],
  "hal/http/node.ts": ["hal/network/fault.ts"],
  "hal/network/simulated.ts": ["hal/random/seeded.ts"],
  // A benchmark measures what the tests prove, with what the tests are made of.
  "scripts/benchmarks/audio.ts": ["test/support"],
  "scripts/benchmarks/parse.ts": ["test/support"],
  "scripts/benchmarks/mixing.ts": [
    ...[
      "firmware/conference/fan-out.ts",
      "firmware/conference/contract.ts",
      "firmware/conference/mix.ts",
      "firmware/media",
    ],
  ],
  "scripts/benchmarks/transcoding.ts": ["firmware/media"],
  // Terminals speak the SIP that the gateway does.
  "scripts/benchmarks/presence.ts": ["firmware/sip/message.ts"],
  "scripts/benchmarks/rig/phones.ts": ["firmware/sip/endpoint.ts", "firmware/sip/message.ts"],
  "scripts/benchmarks/relay.ts": ["firmware/sip/negotiation.ts"],
  "scripts/benchmarks/rig/contender.ts": ["firmware/sip/negotiation.ts"],
  "scripts/benchmarks/rig/terminals.ts": ["firmware/floor/message.ts", "firmware/media", "firmware/sip"],
};

/** These meet in gateway.ts only; what configures and starts it may name what they publish. */
const rooms = ["agent", "conference", "console", "federation", "panel", "presence", "recorder"].map(
  (name) => `firmware/${name}`,
);
const joining = ["cli", "cli.ts", "config", "config.ts", "gateway.ts", "main.ts", "seed.ts", "voice-log.ts"].map(
  (name) => `firmware/${name}`,
);

/** These alone know which file drives what. */
const pickers = ["hal/hal.ts", "hal/speech.ts"];

const sources = filesIn("{firmware,hal,scripts,test}/**/*.ts").map(readSource);
const product = sources.filter(({ path }) => path.startsWith("firmware/"));

/** firmware/sip/uri.ts is in firmware/sip, firmware/log.ts is a room by itself; scripts and tests are one room each. */
const roomOf = (path: string): string => path.split("/", /^(firmware|hal)\//.test(path) ? 2 : 1).join("/");

const covers = (entry: string, target: string): boolean =>
  entry.endsWith("*") ? target.startsWith(entry.slice(0, -1)) : target === entry || target.startsWith(`${entry}/`);

const within = (room: string, entries: readonly string[]): string[] => entries.filter((entry) => covers(room, entry));

/** "path: what" for each place where it is found. */
function found(files: readonly SourceFile[], what: RegExp, where: "code" | "text" = "code"): string[] {
  return files.flatMap((file) => [...file[where].matchAll(what)].map(([match]) => `${file.path}: ${match.trim()}`));
}

test("every file is in a room of the table, and imports only what its room may", () => {
  const refused = sources.flatMap(({ path, imports }) => {
    const room = roomOf(path);
    const allowed = [...(mayImport[room] ?? []), ...(exceptions[path] ?? [])];
    if (!mayImport[room]) return [`${room} is not in the table`];
    const isAllowed = ({ target }: Import) => covers(room, target) || allowed.some((entry) => covers(entry, target));
    return imports.filter((entry) => !isAllowed(entry)).map(({ target }) => `${path} imports ${target}`);
  });
  assert.equal([...new Set(refused)], []);
});

test("the table itself keeps the rooms apart, the drivers behind ports, and firmware out of hal", () => {
  for (const [row, allowed] of Object.entries(mayImport)) {
    const isHal = covers("hal", row);
    const drivers = allowed.filter(
      (entry) => covers("hal", entry) && !/\/(port|error)\.ts$/.test(entry) && entry !== streams,
    );
    if (isHal) assert.equal(within("firmware", allowed), [], row);
    if (isHal && !pickers.includes(row)) assert.equal(drivers, [], row);
    if (!covers("firmware", row)) continue;
    const isOpener = row === "firmware/main.ts";
    if (!isOpener)
      assert.equal(
        drivers.filter((entry) => !readers.includes(entry)),
        [],
        row,
      );
    if (!joining.includes(row))
      assert.equal(
        rooms.flatMap((room) => within(room, allowed)),
        [],
        row,
      );
  }
});

test("every row and every exception of the table is about something that is there", () => {
  const there = new Set(sources.flatMap(({ path }) => [path, roomOf(path)]));
  assert.equal(
    [...Object.keys(mayImport), ...Object.keys(exceptions)].filter((row) => !there.has(row)),
    [],
  );
});

test("boards are data", () => {
  assert.equal(
    filesIn("boards/**").filter((path) => !/^boards$|\.(yaml|json|md)$/.test(path)),
    [],
  );
});

test("no file needs, when it is loaded, a file that needs it", () => {
  const needs = new Map(
    sources.map(({ path, imports }) => [path, imports.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target)]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const follow = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(" -> "));
    if (above.includes(path) || done.has(path)) return;
    for (const next of needs.get(path) ?? []) follow(next, [...above, path]);
    done.add(path);
  };
  for (const path of needs.keys()) follow(path, []);
  assert.equal(cycles, []);
});

test("time and chance come in as ports", () => {
  const globals = /\b(setTimeout|setInterval|setImmediate|Date\.now|new Date\(\)|Math\.random|performance\.\w+)\b/g;
  assert.equal(found(product, globals), []);
  assert.equal(found(product, /\bprocess\.hrtime\b|\bcrypto\.(random|getRandom)\w+/g), []);
  assert.equal(
    found(product, /"node:(timers|perf_hooks|dgram|tls|http)[^"]*"|\brandom(Bytes|UUID|Int)\b/g, "text"),
    [],
  );
});

test("exports are named, and types are neither enum nor any", () => {
  assert.equal(found(sources, /^export default\b|\bas default\b/gm), []);
  assert.equal(found(sources, /^\s*(export )?(declare )?(const )?enum \w+/gm), []);
  assert.equal(found(sources, /([:<,|&(]\s*|\bas )any\b(?!\()/g), []);
});

test("no file is longer than 400 lines", () => {
  const written = filesIn("{firmware,hal,scripts,test}/**/*").filter(
    (path) => !/\.(wav|pcap)$|^hal\/native\/build\//.test(path),
  );
  const long = written.map(readSource).filter(({ text }) => text.split("\n").length > 401);
  assert.equal(
    long.map(({ path }) => path),
    [],
  );
});

test("nothing is left for later in a comment", () => {
  // The brackets keep this file from finding itself.
  assert.equal(found(sources, /\b(TO[D]O|FIX[M]E|XX[X])\b/g, "text"), []);
});

test.run();
