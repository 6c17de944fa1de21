/**
 * Picks what codes and carries speech, for each thread that does so: native code where the addon was built, else what
 * needs no compiler. It does not know what is said to whom.
 */
import { loadNative } from "./native/load.ts";
import { nativeNetwork } from "./network/native.ts";
import { nodeNetwork } from "./network/node.ts";
import type { Network } from "./network/port.ts";
import { nativeOpus } from "./opus/native.ts";
import type { Opus } from "./opus/port.ts";

export interface Speech {
  readonly opus: Opus;
  readonly network: Network;
  /** Why native code does none of it; absent: it does. */
  readonly withoutNative?: string;
}

export async function openSpeech(): Promise<Speech> {
  const { native, reason } = loadNative();
  if (native) return { opus: nativeOpus(native.opus), network: nativeNetwork(native.udp) };
  // Only who needs it has the memory for it.
  const { loadOpus } = await import("./opus/wasm.ts");
  return { opus: await loadOpus(), network: nodeNetwork(), withoutNative: reason };
}
