/**
 * An MQTT 3.1.1 broker inside this process, for sites that have no other. What it retains lives in memory, as all
 * soft state. It bounds what a client can take; it does not know what is published.
 */
import { timingSafeEqual } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { Aedes, type AuthenticateError } from "aedes";
import { networkFault } from "../network/fault.ts";
import { packetGuard } from "./packet-guard.ts";

export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** With both, a client must present them. */
  readonly username?: string;
  readonly password?: string;
}

export interface EmbeddedBroker {
  readonly port: number;
  /** Closes every client's connection too. */
  close(): Promise<void>;
}

const maxClients = 256;
const maxPacketBytes = 1_048_576;
const connectMs = 5_000;
/** A client that takes no data this long is let go: it holds up the others. */
const drainMs = 5_000;
const badCredentials = 4;

/** Rejects with DeviceError when the address is not to be had. */
export async function embeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const aedes = await Aedes.createBroker({
    connectTimeout: connectMs,
    drainTimeout: drainMs,
    authenticate(_client, username, password, done) {
      if (admits(options, username, password)) return done(null, true);
      done(
        Object.assign<Error, Pick<AuthenticateError, "returnCode">>(new Error("bad user name or password"), {
          returnCode: badCredentials,
        }),
        null,
      );
    },
  });
  // A client's fault ends its own connection, done by aedes; without a listener nothing else happens.
  aedes.on("clientError", () => {});
  aedes.on("connectionError", () => {});

  const server = createServer({ noDelay: true, keepAlive: true });
  const sockets = new Set<Socket>();
  server.maxConnections = maxClients;
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    guard(socket);
    aedes.handle(socket);
  });

  try {
    const port = await listen(server, options);
    return { port, close };
  } catch (error) {
    await new Promise<void>((resolve) => aedes.close(resolve));
    throw error;
  }

  async function close(): Promise<void> {
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => aedes.close(resolve));
    for (const socket of sockets) socket.destroy();
    await ended;
  }
}

function listen(server: ReturnType<typeof createServer>, options: EmbeddedBrokerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      reject(networkFault("mqtt broker on tcp", options, error.code ?? "EIO", error));
    };
    server.once("error", refuse);
    server.listen({ host: options.host, port: options.port }, () => {
      server.off("error", refuse);
      // A connection that could not be accepted: its client sees it fail.
      server.on("error", () => {});
      const bound = server.address();
      resolve(bound !== null && typeof bound === "object" ? bound.port : options.port);
    });
  });
}

function admits(options: EmbeddedBrokerOptions, username: string | undefined, password: Buffer | undefined): boolean {
  if (options.username === undefined || options.password === undefined) return true;
  const name = same(Buffer.from(options.username), Buffer.from(username ?? ""));
  return same(Buffer.from(options.password), Buffer.from(password ?? "")) && name;
}

function same(expected: Buffer, found: Buffer): boolean {
  return expected.length === found.length && timingSafeEqual(expected, found);
}

/** aedes collects a packet whole, whatever length it announces: the length is looked at before aedes reads it. */
function guard(socket: Socket): void {
  const sound = packetGuard(maxPacketBytes);
  const read = socket.read.bind(socket);
  socket.read = (size) => {
    const chunk: unknown = read(size);
    if (!(chunk instanceof Buffer) || sound(chunk)) return chunk;
    socket.destroy();
    return null;
  };
}
