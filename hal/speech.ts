/**
 * Picks what codes, protects and carries speech, for each thread that does so: native code where the addon was built, else what
 * needs no compiler. It does not know what is said to whom.
 */
import { loadNative } from "./native/load.ts";
import { nativeNetwork } from "./network/native.ts";
import { nodeNetwork } from "./network/node.ts";
import type { Network } from "./network/port.ts";
import { nativeOpus } from "./opus/native.ts";
import type { Opus } from "./opus/port.ts";
import { nativeSrtp } from "./srtp/native.ts";
import { nodeSrtp } from "./srtp/node.ts";
import type { Srtp } from "./srtp/port.ts";

export interface Speech {
  readonly opus: Opus;
  readonly network: Network;
  readonly srtp: Srtp;
  /** Why native code does none of it; absent: it does. */
  readonly withoutNative?: string;
}

export async function openSpeech(): Promise<Speech> {
  const { native, reason } = loadNative();
  if (native)
    return { opus: nativeOpus(native.opus), network: nativeNetwork(native.udp), srtp: nativeSrtp(native.srtp) };
  // Only who needs it has the memory for it.
  const { loadOpus } = await import("./opus/wasm.ts");
  return { opus: await loadOpus(), network: nodeNetwork(), srtp: nodeSrtp(), withoutNative: reason };
}
