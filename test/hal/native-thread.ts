/** A thread that is in the middle of its work with the addon when it is ended. Posts how many samples it decoded first. */
import { parentPort } from "node:worker_threads";
import { loadNative } from "../../hal/native/load.ts";

const { opus } = loadNative().native ?? {};
const encoder = opus?.openEncoder(24_000);
const decoder = opus?.openDecoder();
if (!opus || typeof encoder !== "object" || typeof decoder !== "object") throw new Error("the addon opens nothing");

const packet = new Uint8Array(1275);
const length = opus.encode(encoder, new Int16Array(960), packet);
parentPort?.postMessage(opus.decode(decoder, packet.subarray(0, length), new Int16Array(960)));
for (;;) opus.encode(encoder, new Int16Array(960), packet);
