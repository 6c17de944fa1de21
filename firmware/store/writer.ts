/** The thread that writes registrations, on a connection of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { directWriter } from "./direct-writer.ts";
import type { Outcome, ToWriter } from "./writing.ts";

if (!parentPort || typeof workerData !== "string") throw new Error("store/writer.ts runs in a worker thread only");
const port = parentPort;
const writer = directWriter(workerData, {
  onOutcome: (outcome) => port.postMessage(outcome satisfies Outcome),
  onCrash(error) {
    throw error;
  },
});

port.on("message", (message: ToWriter) => {
  if (message.type === "write") return writer.write(message.changes, message.revision);
  void writer.close();
  port.close();
});
