import type { Clock } from "../../hal/clock/port.ts";
import type { GatewayId } from "./protocol.ts";

/** Media of a burst that overtook the word that it has begun: floor and media come by ways of their own, and no first word is lost. */
export interface EarlyMedia {
  /** Copies the packet. Bounded: the oldest gives way. `marker`: a burst begins, and what came before is of another. */
  keep(from: GatewayId, packet: Uint8Array, marker: boolean): void;
  /** Hands over what `from` has sent lately, oldest first, and forgets all. */
  take(from: GatewayId, deliver: (packet: Uint8Array) => void): void;
}

/** Two seconds of frames: what a talker kept until the grant comes all at once. */
const mostPackets = 100;
/** What is older belongs to another burst, ms. */
const lately = 500;

export function earlyMedia(clock: Clock): EarlyMedia {
  let kept: { readonly from: GatewayId; readonly packet: Uint8Array; readonly at: number }[] = [];
  return {
    keep(from, packet, marker) {
      if (marker) kept = kept.filter((early) => early.from !== from);
      if (kept.length === mostPackets) kept.shift();
      kept.push({ from, packet: packet.slice(), at: clock.now() });
    },
    take(from, deliver) {
      const since = clock.now() - lately;
      const due = kept.filter((early) => early.from === from && early.at >= since);
      kept = [];
      for (const { packet } of due) deliver(packet);
    },
  };
}
