import { Worker } from "node:worker_threads";
import type { ConferenceLauncher, Held } from "./link.ts";
import type { ConferenceCommand, ConferenceEvent } from "./protocol.ts";

/** Main thread to worker: a command, a question, or the end. */
export type ToWorker = ConferenceCommand | { readonly type: "count" } | { readonly type: "close" };
/** Worker to main thread: an event, the answer, or that it stands. */
export type FromWorker =
  | ConferenceEvent
  | { readonly type: "counted"; readonly held: Held }
  | { readonly type: "open" };

const nothing: Held = { legs: 0, calls: 0, timers: 0 };

/** Packets leave little behind: more than this costs memory, and saves no time. */
const maxYoungGenerationSizeMb = 6;

/** Runs the conference server in a worker thread of its own, with its sockets and arbiters. */
export const launchWorker: ConferenceLauncher = (options, onEvent, onCrash) =>
  new Promise((resolve, reject) => {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    let state: "opening" | "open" | "closing" | "ended" = "opening";

    /** Who asked, in the order of the answers. */
    const asking: ((held: Held) => void)[] = [];

    function ended(error: Error): void {
      for (const answer of asking.splice(0)) answer(nothing);
      const before = state;
      state = "ended";
      if (before === "open") onCrash(error);
      else reject(error);
    }
    worker.on("error", ended);
    worker.on("exit", (code) => ended(new Error(`the conference worker ended with code ${code}`)));
    worker.on("message", (message: FromWorker) => {
      if (message.type === "counted") return asking.shift()?.(message.held);
      if (message.type !== "open") return onEvent(message);
      state = "open";
      resolve({
        send: (command) => worker.postMessage(command satisfies ToWorker),
        held: () =>
          new Promise((answer) => {
            if (state === "ended") return answer(nothing);
            asking.push(answer);
            worker.postMessage({ type: "count" } satisfies ToWorker);
          }),
        close: () =>
          new Promise((closed) => {
            if (state === "ended") return closed();
            state = "closing";
            worker.once("exit", () => closed());
            worker.postMessage({ type: "close" } satisfies ToWorker);
          }),
      });
    });
  });
