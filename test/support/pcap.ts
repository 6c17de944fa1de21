/** A datagram of a recording; `port` is even for RTP and the next for what goes beside it. */
export interface Recorded {
  /** Since the beginning, ms. */
  readonly at: number;
  readonly port: number;
  readonly data: Uint8Array;
}

/** A capture file for sipp to play: on Ethernet, for it knows no other, and with times. */
export function recordingOf(datagrams: readonly Recorded[]): Uint8Array {
  const records = datagrams.map(({ at, port, data }) => {
    const packet = pcapOf([data], port).subarray(40);
    const record = Buffer.alloc(30 + packet.length);
    // From second 1 on: sipp takes a time of 0 for none.
    record.writeUInt32LE(1 + Math.floor(at / 1000), 0);
    record.writeUInt32LE(Math.round((at % 1000) * 1000), 4);
    record.writeUInt32LE(14 + packet.length, 8);
    record.writeUInt32LE(14 + packet.length, 12);
    record.writeUInt16BE(0x0800, 28);
    record.set(packet, 30);
    return record;
  });
  const header = Buffer.from(pcapOf([], 0));
  // LINKTYPE_ETHERNET
  header.writeUInt32LE(1, 20);
  return Buffer.concat([header, ...records]);
}

/** A capture file (classic pcap, raw IPv4) of UDP datagrams from and to `port` of one host. */
export function pcapOf(datagrams: readonly Uint8Array[], port: number): Uint8Array {
  const file = Buffer.alloc(24);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(65_535, 16);
  // LINKTYPE_RAW: the packet begins with its IP header.
  file.writeUInt32LE(101, 20);

  const records = datagrams.map((payload) => {
    const size = 28 + payload.length;
    const record = Buffer.alloc(16 + size);
    record.writeUInt32LE(size, 8);
    record.writeUInt32LE(size, 12);
    const ip = record.subarray(16);
    ip[0] = 0x45;
    ip.writeUInt16BE(size, 2);
    ip.set([64, 17], 8);
    ip.set([127, 0, 0, 1, 127, 0, 0, 1], 12);
    ip.writeUInt16BE(port, 20);
    ip.writeUInt16BE(port, 22);
    ip.writeUInt16BE(8 + payload.length, 24);
    ip.set(payload, 28);
    return record;
  });
  return Buffer.concat([file, ...records]);
}
