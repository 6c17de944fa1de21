/** The thread of the conference server: opens its own clock, network and codec, and runs until it is told to close. */
import { parentPort, workerData } from "node:worker_threads";
import { monotonicClock } from "../../hal/clock/monotonic.ts";
import { cryptoRandom } from "../../hal/random/node.ts";
import { openSpeech } from "../../hal/speech.ts";
import { openConference } from "./conference.ts";
import type { FromWorker, ToWorker } from "./launch.ts";
import type { ConferenceOptions } from "./link.ts";

if (!parentPort) throw new Error("conference/worker.ts runs in a worker thread only");
const port = parentPort;
const post = (message: FromWorker): void => port.postMessage(message);

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

const conference = openConference(
  { clock: monotonicClock(), random: cryptoRandom(), ...(await openSpeech()) },
  // The parent is launch.ts of the same build: its data needs no validation.
  workerData as ConferenceOptions,
  post,
);

port.on("message", (message: ToWorker) => {
  if (message.type === "count") return post({ type: "counted", held: { ...conference.held(), timers: timers() } });
  if (message.type !== "close") return conference.receive(message);
  conference.close();
  port.close();
});
post({ type: "open" });
