import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type BoardDescription, readBoard } from "../../hal/board/description.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { openBoard } from "../../hal/hal.ts";
import { seededRandom } from "../../hal/random/seeded.ts";

const source = "boards/simulated.yaml";
const text = readFileSync(new URL(`../../${source}`, import.meta.url), "utf8");

function description(): BoardDescription {
  const read = readBoard(text, source);
  if ("faults" in read) throw new Error(JSON.stringify(read.faults));
  return read.board;
}

async function simulated() {
  const clock = virtualClock();
  const { board, outside } = await openBoard(description(), { clock, random: seededRandom(1) });
  if (!outside) throw new Error("a simulated board has an outside");
  return { clock, board, outside };
}

function faults(yaml: string): string[] {
  const read = readBoard(yaml, "b.yaml");
  return "faults" in read ? read.faults.map(({ path, message }) => `${path}: ${message}`) : [];
}

test("the simulated board has its buttons, a switch and lamps, by role", async () => {
  const { board } = await simulated();
  assert.equal(board.inputs, ["ptt", "second", "emergency", "emergency-over", "replay", "do-not-disturb"]);
  assert.equal(board.outputs, [
    "transmit-lamp",
    "receive-lamp",
    "ready-lamp",
    "call-lamp",
    "emergency-lamp",
    "do-not-disturb-lamp",
  ]);
});

test("every fault of a board file is listed at once, with its place and what was expected", () => {
  const found = faults(
    text
      .replace("name: simulated", "name: My Board")
      .replace("driver: simulated\n\ngpio", "driver: quantum\nextra: 1\n\ngpio")
      .replace("bias: pull-up", "bias: up")
      .replace("second: { line: GPIO27", "second: { line: GPIO17")
      .replace("line: GPIO22", "line: GPIO4")
      .replace("microphone: { driftPpm: 0 }", "microphone: { driftPpm: fast }"),
  );
  for (const expected of [
    "b.yaml: name: expected lower-case letters, digits and -, 40 at most",
    "b.yaml: driver: expected simulated",
    "b.yaml: inputs.ptt.bias: expected pull-up, pull-down or none",
    "b.yaml: audio.microphone.driftPpm: expected parts per million",
    "b.yaml: extra: unknown key; correct or remove it",
    "b.yaml: inputs.second.line: GPIO17 is already the line of inputs.ptt",
    "b.yaml: outputs.transmit-lamp.line: GPIO4 is not among gpio.lines",
  ]) {
    assert.ok(found.includes(expected), `${expected}\n is not in\n${found.join("\n")}`);
  }
  assert.is(found.length, 7);
});

test("a file that is no YAML, or no board, is a fault of its own", () => {
  assert.match(faults("name: [")[0] ?? "", /^b\.yaml:1:\d+: /);
  assert.equal(faults("name: a\nname: b"), ["b.yaml:2:1: Map keys must be unique"]);
  assert.equal(faults(""), ["b.yaml: expected a board description"]);
});

test("a press is an active edge at its own time, a held button is active at start", async () => {
  const { clock, board, outside } = await simulated();
  const edges: string[] = [];
  outside.press("second");
  assert.is(board.input("second", () => {}).active(), true);
  const ptt = board.input("ptt", ({ active, at }) => edges.push(`${active ? "press" : "release"}@${at}`));
  assert.is(ptt.active(), false);
  await clock.advance(5);
  const pressed = outside.press("ptt");
  await clock.advance(100);
  const released = outside.release("ptt");
  assert.equal(edges, [`press@${pressed}`, `release@${released}`]);
  assert.is(released - pressed, 100);
});

test("closing the board puts out its lamps and stops its sound", async () => {
  const { clock, board, outside } = await simulated();
  const seen: string[] = [];
  outside.onOutput((role, active) => seen.push(`${role} ${active ? "on" : "off"}`));
  board.output("transmit-lamp").set(true);
  assert.ok(outside.active("transmit-lamp"));
  board.loudspeaker.start((frame) => void frame.fill(0));
  board.microphone.start(() => {});
  await board.close();
  assert.equal(seen, ["transmit-lamp on", "transmit-lamp off"]);
  assert.is(clock.pending(), 0);
});

test("a role that the board lacks is refused by name", async () => {
  const { board, outside } = await simulated();
  assert.throws(() => board.output("siren"), /board simulated: it has no output "siren", only transmit-lamp/);
  assert.throws(() => outside.press("transmit-lamp"), /no input "transmit-lamp"/);
});

test.run();
