/** Local connections over Unix sockets. It bounds what a peer can make wait here; it does not know what is said. */
import { createConnection, createServer, type Socket } from "node:net";
import { DeviceError } from "../error.ts";
import type { Local, LocalConnection } from "./port.ts";
import { listenPrivately } from "./private-socket.ts";

const maxConnections = 8;
const longestLine = 262_144;
/** What may wait for a peer that does not read, bytes. */
const mostUnread = 1_048_576;

export function nodeLocal(): Local {
  return {
    async listen(path, accept) {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("close", () => sockets.delete(socket));
        accept(connection(socket));
      });
      server.maxConnections = maxConnections;
      await listenPrivately(server, path, `socket ${path}`);
      return {
        async close() {
          const ended = new Promise<void>((resolve) => server.close(() => resolve()));
          for (const socket of sockets) socket.destroy();
          await ended;
        },
      };
    },
    connect(path) {
      const socket = createConnection(path);
      return new Promise((resolve, reject) => {
        socket.once("error", (error: NodeJS.ErrnoException) => {
          reject(new DeviceError(`socket ${path}`, error.code ?? "EIO", "nothing that runs listens here", error));
        });
        socket.once("connect", () => resolve(connection(socket)));
      });
    },
  };
}

function connection(socket: Socket): LocalConnection {
  const self: LocalConnection = {
    onLine() {},
    onClose() {},
    send(line) {
      if (socket.destroyed || socket.writableLength > mostUnread) return false;
      socket.write(`${line}\n`);
      return true;
    },
    close: () => socket.destroy(),
  };
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) self.onLine(line);
    if (rest.length > longestLine) socket.destroy();
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => self.onClose());
  return self;
}
