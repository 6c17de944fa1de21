/** A thread that works on a disk, as the main thread sees it: a disk may take its time, and neither voice nor signalling waits with it. */
import { Worker } from "node:worker_threads";

export interface DiskThread<Message> {
  post(message: Message): void;
  /** Tells it to close ("close"), and resolves when it has ended. */
  close(): Promise<void>;
}

/** `module`: the name of its file without an extension, in the folder of `beside`, an `import.meta.url`. `work`: what it does, for a fault. */
export function startDiskThread<Message, News>(
  { beside, module, work, data }: { beside: string; module: string; work: string; data: unknown },
  handlers: {
    readonly onNews: (news: News) => void;
    /** A bug there. */
    readonly onCrash: (error: Error) => void;
  },
): DiskThread<Message> {
  const extension = beside.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./${module}.${extension}`, beside), { workerData: data });
  let state: "open" | "closing" | "ended" = "open";

  function ended(error: Error): void {
    const before = state;
    state = "ended";
    if (before === "open") handlers.onCrash(error);
  }
  worker.on("error", ended);
  worker.on("exit", (code) => ended(new Error(`the thread that writes ${work} ended with code ${code}`)));
  worker.on("message", handlers.onNews);

  return {
    post: (message) => worker.postMessage(message),
    close: () =>
      new Promise((closed) => {
        if (state === "ended") return closed();
        state = "closing";
        worker.once("exit", () => closed());
        worker.postMessage({ type: "close" });
      }),
  };
}
