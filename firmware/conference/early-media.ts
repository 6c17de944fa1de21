import type { Clock } from "../../hal/clock/port.ts";
import type { GatewayId } from "./protocol.ts";

/** Media of a burst that overtook the word that it has begun: floor and media come by ways of their own, and no first word is lost. */
export interface EarlyMedia {
  /** Copies the packet. Bounded: the oldest gives way. */
  keep(from: GatewayId, packet: Uint8Array): void;
  /** Hands over what `from` has sent lately, oldest first, and forgets all. */
  take(from: GatewayId, deliver: (packet: Uint8Array) => void): void;
}

/** One second of frames. */
const mostPackets = 50;
/** What is older belongs to another burst, ms. */
const lately = 500;

export function earlyMedia(clock: Clock): EarlyMedia {
  let kept: { readonly from: GatewayId; readonly packet: Uint8Array; readonly at: number }[] = [];
  return {
    keep(from, packet) {
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
