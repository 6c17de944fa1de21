import { once } from "node:events";
import { existsSync, linkSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sine } from "../../hal/audio/sine.ts";
import { createWav, readWav } from "../../hal/audio/wav.ts";
import type { Board } from "../../hal/board/port.ts";
import { type SimulatedOutside, simulatedBoard } from "../../hal/board/simulated.ts";
import { type BoardClient, type BoardEvent, connectBoard } from "../../hal/board/simulated-client.ts";
import { type BoardControl, openBoardControl } from "../../hal/board/simulated-control.ts";
import type { VirtualClock } from "../../hal/clock/virtual.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { realBench, until, virtualBench } from "./bench.ts";

interface Rig {
  folder: string;
  path: string;
  clock: VirtualClock;
  board: Board;
  outside: SimulatedOutside;
  control: BoardControl;
  client: BoardClient;
  events: BoardEvent[];
}

const test = suite<Rig>("board control");
const bench = realBench();
const wire = { activeLow: true, bias: "pull-up" } as const;

test.before.each(async (rig) => {
  rig.folder = mkdtempSync(join(tmpdir(), "roger-board-"));
  rig.path = join(rig.folder, "board.sock");
  rig.clock = virtualBench().clock;
  const { board, outside } = simulatedBoard(
    {
      name: "rig",
      description: "",
      driver: "simulated",
      gpio: { chip: "rig", lines: ["A", "B"] },
      inputs: { ptt: { line: "A", ...wire } },
      outputs: { lamp: { line: "B", ...wire } },
      audio: { driver: "simulated", microphone: { driftPpm: 0 }, loudspeaker: { driftPpm: 0 } },
    },
    { clock: rig.clock, random: seededRandom(1) },
  );
  Object.assign(rig, { board, outside, events: [] });
  rig.control = await openBoardControl(rig.path, { clock: rig.clock, outside });
  rig.client = await connectBoard(rig.path);
  rig.client.onEvent((event) => rig.events.push(event));
});

test.after.each(async (rig) => {
  rig.client.close();
  await rig.control.close();
  await rig.board.close();
  assert.not(existsSync(rig.path), "the socket file is removed");
  rmSync(rig.folder, { recursive: true });
});

const refused = async (promise: Promise<unknown>): Promise<string> => promise.then(() => "nothing", String);

test("a press from outside is an edge inside, and a lamp inside is seen outside", async ({
  client,
  board,
  events,
  clock,
}) => {
  const edges: boolean[] = [];
  board.input("ptt", ({ active }) => edges.push(active));
  const { at } = await client.command({ press: "ptt" });
  board.output("lamp").set(true);
  await until(bench, "the lamp's event", () => events.length === 2);
  assert.equal(events, [
    { event: "edge", role: "ptt", active: true, at },
    { event: "pin", role: "lamp", active: true, at: clock.now() },
  ]);
  await client.command({ release: "ptt", bounce: true });
  await clock.advance(20);
  assert.ok(edges.length >= 4 && edges.at(-1) === false, `bounced to rest: ${edges}`);
});

test("a file is heard, its end is told, and what the loudspeaker plays is recorded", async (rig) => {
  const { client, board, events, clock, folder } = rig;
  const said = sine(500, 300);
  const source = join(folder, "said.wav");
  const file = await createWav(source);
  file.write(said);
  await file.close();
  // The board as a repeater: its microphone frame by frame into its loudspeaker.
  const frames: Int16Array[] = [];
  board.microphone.start((frame) => frames.push(new Int16Array(frame)));
  board.loudspeaker.start((frame) => void frame.set(frames.shift() ?? new Int16Array(frame.length)));

  const target = join(folder, "played.wav");
  await client.command({ record: target });
  const heard = await client.command({ hear: source });
  assert.is(heard.ms, 300);
  await clock.advance(1_000);
  const recorded = await client.command({ "record-stop": true });
  assert.is(recorded.ms, 1_000);
  const played = await readWav(target);
  const start = played.findIndex((sample) => sample !== 0) - 1;
  assert.equal(played.slice(start, start + said.length), said);

  await until(bench, "three events", () => events.length >= 3);
  assert.equal(
    events.map(({ event }) => event),
    ["sound", "heard-out", "quiet"],
  );
  const at = (name: string): number => events.find(({ event }) => event === name)?.at ?? Number.NaN;
  assert.is(at("heard-out"), heard.at + 300);
  assert.ok(Math.abs(at("quiet") - at("sound") - 300) < 1, `${at("sound")} to ${at("quiet")}`);
});

test("what cannot be done is answered with the reason, in the order of the commands", async ({ client, folder }) => {
  const answers = await Promise.all([
    refused(client.command({ press: "siren" })),
    refused(client.command({ hear: join(folder, "none.wav") })),
    refused(client.command({ "record-stop": true })),
    refused(client.command({ drift: { microphone: 9_999 } })),
    refused(client.command({ unplug: "loudspeaker" })),
  ]);
  assert.match(answers[0] ?? "", 'it has no input "siren", only ptt');
  assert.match(answers[1] ?? "", "cannot be read");
  assert.match(answers[2] ?? "", "nothing is being recorded");
  assert.match(answers[3] ?? "", "expected one of press, release");
  assert.is(answers[4], "nothing");
});

test("lines that are no commands are answered, and an endless line ends its client only", async ({ path, client }) => {
  const socket = connect(path);
  let answers = "";
  let closed = false;
  socket.on("data", (data) => {
    answers += data;
  });
  socket.on("close", () => {
    closed = true;
  });
  socket.on("error", () => {});
  socket.write('no json\n{"press":"ptt","force":1}\n\n{"constructor":1}\n');
  await until(bench, "three answers", () => answers.split("\n").length === 4);
  assert.match(answers, /^\{"error":"expected one JSON object a line"\}\n\{"error":"expected one of press/);
  socket.write("x".repeat(10_000));
  await until(bench, "it is let go", () => closed);
  await client.command({ press: "ptt" });
});

test("only this user may connect, one gateway may serve, and a dead one's file is replaced", async (rig) => {
  assert.is(statSync(rig.path).mode & 0o777, 0o600);
  const { clock, outside } = rig;
  assert.match(
    await refused(openBoardControl(rig.path, { clock, outside })),
    /something else is at this path.*EADDRINUSE/,
  );
  const plain = join(rig.folder, "plain");
  writeFileSync(plain, "a file of somebody");
  assert.match(await refused(openBoardControl(plain, { clock, outside })), "something else is at this path");
  assert.ok(existsSync(plain), "what is no socket stays");

  const stale = join(rig.folder, "stale.sock");
  const dead = createServer().listen(stale);
  await once(dead, "listening");
  // A killed process leaves its file behind, without a listener: here by another link to it.
  const kept = `${stale}.kept`;
  linkSync(stale, kept);
  dead.close();
  await once(dead, "close");
  renameSync(kept, stale);
  const control = await openBoardControl(stale, { clock, outside });
  (await connectBoard(stale)).close();
  await control.close();
});

test("a client learns that the board is gone", async ({ client, control }) => {
  const event = refused(client.next(({ event }) => event === "sound"));
  await control.close();
  assert.match(await event, "closed the connection");
  assert.match(await refused(client.command({ press: "ptt" })), "closed the connection");
});

test.run();
