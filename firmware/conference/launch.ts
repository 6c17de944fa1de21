import { Worker } from "node:worker_threads";
import type { ConferenceLauncher } from "./link.ts";
import type { ConferenceCommand, ConferenceEvent } from "./protocol.ts";

/** Main thread to worker: a command, or the end. */
export type ToWorker = ConferenceCommand | { readonly type: "close" };
/** Worker to main thread: an event, or that it stands. */
export type FromWorker = ConferenceEvent | { readonly type: "open" };

/** Runs the conference server in a worker thread of its own, with its sockets and arbiters. */
export const launchWorker: ConferenceLauncher = (options, onEvent, onCrash) =>
  new Promise((resolve, reject) => {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`./worker.${extension}`, import.meta.url), { workerData: options });
    let closing = false;
    let open = false;

    const crashed = (error: Error): void => {
      if (closing) return;
      if (open) onCrash(error);
      else reject(error);
    };
    worker.on("error", crashed);
    worker.on("exit", (code) => crashed(new Error(`the conference worker ended with code ${code}`)));
    worker.on("message", (message: FromWorker) => {
      if (message.type !== "open") return onEvent(message);
      open = true;
      resolve({
        send: (command) => worker.postMessage(command satisfies ToWorker),
        close: () =>
          new Promise((closed) => {
            closing = true;
            worker.once("exit", () => closed());
            worker.postMessage({ type: "close" } satisfies ToWorker);
          }),
      });
    });
  });
