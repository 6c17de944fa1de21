/** The thread of the disk. */
import { parentPort, workerData } from "node:worker_threads";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { openKeeper } from "./keeper.ts";
import type { FromDisk, LogLimits, ToDisk } from "./protocol.ts";

if (!parentPort) throw new Error("recorder/worker.ts runs in a worker thread only");
const port = parentPort;
const post = (message: FromDisk): void => port.postMessage(message);
// The parent is keeping.ts of the same build: its data needs no validation.
const keeper = openKeeper({ clock: monotonicClock(), random: cryptoRandom() }, workerData as LogLimits);

port.on("message", (message: ToDisk) => {
  switch (message.type) {
    case "write":
      return post({ type: "written", outcome: keeper.write(message.pieces) });
    case "ask":
      return post({ type: "answer", number: message.number, answer: keeper.answer(message.question) });
    case "close":
      keeper.close();
      port.close();
  }
});
