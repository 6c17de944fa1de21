/**
 * The control socket of a simulated board: a test rig, a demonstration or a person drives a running gateway from
 * outside, as hands, voice and ears would. It decides who may drive (the user who owns the socket file) and how much.
 */
import { createServer, type Socket } from "node:net";
import { type Recording, recordWav } from "../audio/recording.ts";
import { readWav } from "../audio/wav.ts";
import type { Clock } from "../clock/port.ts";
import { DeviceError } from "../error.ts";
import { listenPrivately } from "../local/private-socket.ts";
import type { SimulatedOutside } from "./simulated.ts";
import {
  type BoardAnswer,
  type BoardCommand,
  type BoardEvent,
  lineReader,
  parseCommand,
} from "./simulated-protocol.ts";

export interface BoardControl {
  /** Ends a recording that runs, closes every client, removes the socket file. */
  close(): Promise<void>;
}

const maxClients = 8;
/** Commands of one client that wait for those before. */
const maxWaiting = 64;
/** What may wait in a client that does not read, in bytes, before it is let go. */
const maxUnread = 262_144;
const samplesPerMs = 48;

/** Opens the socket at `path`, readable and writable by this user alone. Rejects with DeviceError when another gateway serves it. */
export async function openBoardControl(
  path: string,
  ports: { readonly clock: Clock; readonly outside: SimulatedOutside },
): Promise<BoardControl> {
  const { clock, outside } = ports;
  const clients = new Set<Socket>();
  let recording: Recording | undefined;
  /** The command before: they are done one at a time, whoever sends them. */
  let last: Promise<void> = Promise.resolve();

  async function perform(command: BoardCommand): Promise<BoardAnswer> {
    if ("press" in command) return done(outside.press(command.press, { bounce: command.bounce ?? false }));
    if ("release" in command) return done(outside.release(command.release, { bounce: command.bounce ?? false }));
    if ("hear" in command) {
      const samples = await readWav(command.hear);
      return { ...done(outside.microphone.hear(samples)), ms: samples.length / samplesPerMs };
    }
    if ("hear-stop" in command) return done(outside.microphone.hush());
    if ("record" in command) {
      await recording?.stop();
      recording = undefined;
      recording = await recordWav(outside.loudspeaker, command.record);
      return done(clock.now());
    }
    if ("record-stop" in command) return endRecording();
    if ("drift" in command) return drift(command.drift);
    if ("unplug" in command) outside[command.unplug].unplug();
    else outside[command.plug].plug();
    return done(clock.now());
  }

  async function endRecording(): Promise<BoardAnswer> {
    if (!recording) throw new RangeError("nothing is being recorded");
    const ended = recording;
    recording = undefined;
    const at = clock.now();
    const { samples } = await ended.stop();
    return { ...done(at), ms: samples / samplesPerMs };
  }

  function drift(ppm: { readonly microphone?: number | undefined; readonly loudspeaker?: number | undefined }) {
    if (ppm.microphone !== undefined) outside.microphone.setDrift(ppm.microphone);
    if (ppm.loudspeaker !== undefined) outside.loudspeaker.setDrift(ppm.loudspeaker);
    return done(clock.now());
  }

  async function answer(line: string): Promise<BoardAnswer> {
    try {
      return await perform(parseCommand(line));
    } catch (error) {
      if (error instanceof RangeError || error instanceof DeviceError) return { error: error.message };
      throw error;
    }
  }

  function tell(client: Socket, what: BoardAnswer | BoardEvent): void {
    if (client.destroyed) return;
    if (client.writableLength > maxUnread) client.destroy();
    else client.write(`${JSON.stringify(what)}\n`);
  }

  function tellAll(event: BoardEvent): void {
    for (const client of clients) tell(client, event);
  }

  function serve(client: Socket): void {
    let waiting = 0;
    const read = lineReader(
      (line) => {
        if (++waiting > maxWaiting) return void client.destroy();
        last = last.then(async () => {
          tell(client, await answer(line));
          waiting--;
        });
      },
      () => client.destroy(),
    );
    clients.add(client);
    client.setEncoding("utf8");
    client.on("data", read);
    client.on("error", () => client.destroy());
    client.on("close", () => clients.delete(client));
  }

  const server = createServer(serve);
  server.maxConnections = maxClients;
  await listenPrivately(server, path, `board control ${path}`);
  const cancels = [
    outside.onInput((role, active, at) => tellAll({ event: "edge", role, active, at })),
    outside.onOutput((role, active, at) => tellAll({ event: "pin", role, active, at })),
    outside.loudspeaker.onSound((at) => tellAll({ event: "sound", at })),
    outside.loudspeaker.onQuiet((at) => tellAll({ event: "quiet", at })),
    outside.microphone.onRunOut((at) => tellAll({ event: "heard-out", at })),
  ];

  return {
    async close() {
      for (const cancel of cancels) cancel();
      await recording?.stop();
      recording = undefined;
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.destroy();
      await ended;
    },
  };
}

function done(at: number): { readonly ok: true; readonly at: number } {
  return { ok: true, at };
}
