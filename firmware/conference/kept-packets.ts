/** What a leg has said lately, for a floor that is granted only after somebody has begun to speak. Bounded: the oldest gives way. */
import type { RtpView } from "../media/rtp.ts";

export interface KeptPackets {
  /** Copies the packet, and what its header says. Unless `held`, what is older than the pre-roll goes. */
  keep(packet: Uint8Array, view: RtpView, atMs: number, held: boolean): void;
  /** Hands everything over, oldest first, and forgets it. */
  drain(deliver: (packet: Uint8Array, view: RtpView, atMs: number) => void): void;
  clear(): void;
}

/** Two seconds of packets: a gateway that does not answer is stood in for long before. */
const mostPackets = 100;

interface Kept {
  /** Room for a packet, used again and again. */
  room: Uint8Array;
  length: number;
  view: RtpView;
  at: number;
}

/** `preRollMs`: so much from before the floor is asked for is kept. */
export function keptPackets(preRollMs: number): KeptPackets {
  const slots: Kept[] = [];
  let first = 0;
  let count = 0;

  function drop(): void {
    first = (first + 1) % mostPackets;
    count -= 1;
  }

  function slotAt(index: number, view: RtpView): Kept {
    const known = slots[index];
    if (known) return known;
    const slot = { room: new Uint8Array(0), length: 0, view: { ...view }, at: 0 };
    slots[index] = slot;
    return slot;
  }

  return {
    keep(packet, view, atMs, held) {
      if (count === mostPackets) drop();
      if (!held) while (count > 0 && atMs - (slots[first]?.at ?? 0) >= preRollMs) drop();
      const slot = slotAt((first + count) % mostPackets, view);
      if (slot.room.length < packet.length) slot.room = new Uint8Array(packet.length);
      slot.room.set(packet);
      slot.length = packet.length;
      Object.assign(slot.view, view);
      slot.at = atMs;
      count += 1;
    },
    drain(deliver) {
      for (; count > 0; drop()) {
        const slot = slots[first];
        if (slot) deliver(slot.room.subarray(0, slot.length), slot.view, slot.at);
      }
    },
    clear() {
      count = 0;
    },
  };
}
