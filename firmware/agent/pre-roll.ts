/** What a talker says between key-up and grant, encoded and waiting. Bounded: the oldest frame gives way. */
export interface PreRoll {
  keep(packet: Uint8Array, timestamp: number): void;
  /** Hands every kept packet over, oldest first, and forgets them. */
  drain(send: (packet: Uint8Array, timestamp: number) => void): void;
  clear(): void;
}

/** The largest Opus packet of one frame (RFC 6716 §3.4). */
export const largestPacket = 1275;

export function preRoll(frames: number): PreRoll {
  const storage = new Uint8Array(frames * largestPacket);
  const lengths = new Uint16Array(frames);
  const timestamps = new Uint32Array(frames);
  let first = 0;
  let count = 0;

  return {
    keep(packet, timestamp) {
      if (packet.length > largestPacket) return;
      if (count === frames) {
        first = (first + 1) % frames;
        count--;
      }
      const slot = (first + count) % frames;
      storage.set(packet, slot * largestPacket);
      lengths[slot] = packet.length;
      timestamps[slot] = timestamp;
      count++;
    },
    drain(send) {
      for (; count > 0; count--) {
        const start = first * largestPacket;
        send(storage.subarray(start, start + (lengths[first] ?? 0)), timestamps[first] ?? 0);
        first = (first + 1) % frames;
      }
    },
    clear() {
      count = 0;
    },
  };
}
