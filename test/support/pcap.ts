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
