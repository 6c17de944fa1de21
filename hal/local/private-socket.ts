/** Socket files that belong to one user: made so that nobody else can connect, and cleared when their process is gone. */
import { lstatSync, unlinkSync } from "node:fs";
import { createConnection, type Server } from "node:net";
import { DeviceError } from "../error.ts";

/** Removes the socket file of a process that is gone; anything else at the path stays. */
async function clearStale(path: string, device: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  const code = found.isSocket() ? await probe(path) : "EEXIST";
  if (code === "ECONNREFUSED") return unlinkSync(path);
  throw new DeviceError(device, code, "something else is at this path; stop it or choose another path");
}

/** The error of a connection to the socket; EADDRINUSE where it succeeds. */
function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "EIO"));
    socket.once("connect", () => {
      socket.destroy();
      resolve("EADDRINUSE");
    });
  });
}

/** Listens at a path that only this user can open. `device` names it in a DeviceError. */
export async function listenPrivately(server: Server, path: string, device: string): Promise<void> {
  await clearStale(path, device);
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      reject(new DeviceError(device, error.code ?? "EIO", "the socket cannot be made; check its folder", error));
    };
    server.once("error", refuse);
    // The file is born with mode 0600: there is no moment at which others could connect.
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off("error", refuse);
        server.on("error", () => {});
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}
