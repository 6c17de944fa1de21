/** Drives a simulated board of another process through its control socket: for rigs, demonstrations and tests. */
import { createConnection } from "node:net";
import type { Cancel } from "../clock/port.ts";
import { DeviceError } from "../error.ts";
import { type BoardAnswer, type BoardCommand, type BoardEvent, lineReader } from "./simulated-protocol.ts";

export type { BoardCommand, BoardEvent } from "./simulated-protocol.ts";

export interface BoardClient {
  /** Resolves when the board has done it: at `at`, and for hear and record-stop the file's length in `ms`. Rejects with DeviceError. */
  command(command: BoardCommand): Promise<{ readonly at: number; readonly ms?: number }>;
  onEvent(listener: (event: BoardEvent) => void): Cancel;
  /** The next event that passes the test; rejects when the board goes away first. */
  next(wanted: (event: BoardEvent) => boolean): Promise<BoardEvent>;
  close(): void;
}

interface Waiting {
  readonly resolve: (answer: { readonly at: number; readonly ms?: number }) => void;
  readonly reject: (error: Error) => void;
}

/** Connects to the control socket at `path`. Rejects with DeviceError where no board listens. */
export async function connectBoard(path: string): Promise<BoardClient> {
  const device = `simulated board ${path}`;
  const socket = createConnection(path);
  const listeners = new Set<(event: BoardEvent) => void>();
  /** In the order in which the commands went out: the board answers in that order. */
  const commands: Waiting[] = [];
  const losses = new Set<(error: Error) => void>();
  let lost: DeviceError | undefined;

  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error: NodeJS.ErrnoException) => {
      reject(new DeviceError(device, error.code ?? "EIO", "no gateway with a simulated board listens here", error));
    });
    socket.once("connect", resolve);
  });

  function receive(line: string): void {
    // Our own board wrote it.
    const message = JSON.parse(line) as BoardAnswer | BoardEvent;
    if ("event" in message) return listeners.forEach((listener) => listener(message));
    const command = commands.shift();
    if ("error" in message) command?.reject(new DeviceError(device, "EINVAL", message.error));
    else command?.resolve(message);
  }

  function fail(): void {
    lost = new DeviceError(device, "ECONNRESET", "the board closed the connection");
    for (const command of commands.splice(0)) command.reject(lost);
    for (const reject of losses) reject(lost);
  }

  socket.setEncoding("utf8");
  socket.on(
    "data",
    lineReader(receive, () => socket.destroy()),
  );
  socket.on("error", () => socket.destroy());
  socket.on("close", fail);

  function onEvent(listener: (event: BoardEvent) => void): Cancel {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return {
    command: (command) =>
      new Promise((resolve, reject) => {
        if (lost) return reject(lost);
        commands.push({ resolve, reject });
        socket.write(`${JSON.stringify(command)}\n`);
      }),
    onEvent,
    next: (wanted) =>
      new Promise((resolve, reject) => {
        if (lost) return reject(lost);
        losses.add(reject);
        const cancel = onEvent((event) => {
          if (!wanted(event)) return;
          cancel();
          losses.delete(reject);
          resolve(event);
        });
      }),
    close: () => socket.destroy(),
  };
}
