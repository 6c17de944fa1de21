import { test } from "uvu";
import * as assert from "uvu/assert";
import { DeviceError } from "../../hal/error.ts";
import type { UdpSocket } from "../../hal/network/port.ts";
import * as row from "../../hal/network/streams.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import { masterLengths, type Srtp, type SrtpSender } from "../../hal/srtp/port.ts";
import { settled, until } from "./bench.ts";
import type { NetworkBench } from "./network.contract.ts";

const headerLength = 12;

/** What every network does with streams that go out together, seen from one machine that talks to itself. */
export function streamsContract(driver: string, open: () => NetworkBench, srtp: Srtp = nodeSrtp()): void {
  const story = (name: string, body: (bench: NetworkBench) => Promise<void>) =>
    test(`${driver} network, streams: ${name}`, () => body(open()));

  /** Rows that leave from a socket each and listen, and what came of each: sender's port, packet. */
  async function group(bench: NetworkBench, size: number) {
    const { network, host } = bench;
    const table = network.streams(size + 1);
    const heard: { readonly from: number; readonly packet: number[] }[] = [];
    const far = await network.udp({ host, port: 0 }, (data, { port }) => heard.push({ from: port, packet: [...data] }));
    const rows: number[] = [];
    const sockets: UdpSocket[] = [];
    for (let index = 0; index < size; index++) {
      const socket = await network.udp({ host, port: 0 }, () => {});
      const taken = table.take() ?? -1;
      const base = taken * row.rowWords;
      table.words[base + row.state] = row.listening | row.beginning | ((96 + index) << 8);
      table.words[base + row.ssrc] = 0xfeed_0000 + index;
      table.words[base + row.highestSequence] = 100 * index + 99;
      table.words[base + row.burstTimestamp] = 1_000_000 * (index + 1);
      table.aim(taken, socket, far.local);
      rows.push(taken);
      sockets.push(socket);
    }
    const listed = Int32Array.from(rows);

    return {
      ...{ table, rows, sockets, heard, far },
      send(numbers: Partial<row.PacketNumbers>, except = -1, nowMs = 7): void {
        const packet = Uint8Array.from([...new Uint8Array(headerLength), 0xaa, 0xbb, 0xcc]);
        const all = { sequence: 5, timestamp: 50, marker: true, count: 1, restart: 0, ...numbers };
        table.send(listed, size, packet, all, nowMs, except);
      },
      async heardBy(index: number, count: number): Promise<number[][]> {
        const of = () => heard.filter(({ from }) => from === sockets[index]?.local.port);
        await until(bench, `${count} packets of stream ${index}`, () => of().length >= count);
        return of().map(({ packet }) => packet);
      },
      async close(): Promise<void> {
        await bench.pass(5);
        for (const socket of [far, ...sockets]) socket.close();
      },
    };
  }

  story("a stream that is protected goes out by its session, beside others in clear, or not at all", async (bench) => {
    const { send, heardBy, heard, table, rows, sockets, far, close } = await group(bench, 3);
    const keys = (["AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"] as const).map((suite, index) => ({
      suite,
      master: new Uint8Array(masterLengths[suite]).fill(index + 1),
    }));
    const senders = keys.map(srtp.sender);
    const receivers = keys.map(nodeSrtp().receiver);
    const aim = (index: number, sender: SrtpSender | undefined) =>
      table.aim(rows[index] ?? -1, sockets[index] ?? far, far.local, sender);
    senders.forEach((sender, index) => aim(index, sender));
    for (let count = 1; count <= 3; count++) send({ sequence: count, count, marker: count === 1 });
    const opened = async (index: number) =>
      (await heardBy(index, 3)).map((packet) => {
        const copy = Uint8Array.from(packet);
        return [...copy.subarray(0, receivers[index]?.unprotectRtp(copy))];
      });
    const clear = await heardBy(2, 3);
    for (const index of [0, 1])
      assert.equal(
        (await opened(index)).map((packet) => [packet[3], ...packet.slice(8)]),
        [0, 1, 2].map((at) => [100 * index + 100 + at, 0xfe, 0xed, 0, index, 0xaa, 0xbb, 0xcc]),
      );
    assert.equal(
      clear.map((packet) => packet.slice(12)),
      [1, 2, 3].map(() => [0xaa, 0xbb, 0xcc]),
    );

    senders[0]?.close();
    aim(1, undefined);
    send({ sequence: 4, count: 4, marker: false });
    assert.equal((await heardBy(1, 4)).at(-1)?.slice(12), [0xaa, 0xbb, 0xcc]);
    await heardBy(2, 4);
    assert.is(heard.filter(({ from }) => from === sockets[0]?.local.port).length, 3, "a closed session says nothing");
    for (const session of [...senders, ...receivers]) session.close();
    await close();
  });

  story("one payload goes out in each stream, from its own socket and in its own numbers", async (bench) => {
    const { send, heardBy, table, close } = await group(bench, 3);
    send({ sequence: 65_535, timestamp: 0xffff_fff0, marker: true, count: 1 });
    send({ sequence: 0, timestamp: 0x10, marker: false, count: 2 });
    const wire = (marker: number, type: number, sequence: number[], timestamp: number[], ssrc: number) => [
      0x80,
      marker | type,
      ...sequence,
      ...timestamp,
      0xfe,
      0xed,
      0,
      ssrc,
      0xaa,
      0xbb,
      0xcc,
    ];
    assert.equal(await heardBy(0, 2), [
      wire(0x80, 96, [0, 100], [0, 0x0f, 0x42, 0x40], 0),
      wire(0, 96, [0, 101], [0, 0x0f, 0x42, 0x60], 0),
    ]);
    assert.equal(await heardBy(2, 2), [
      wire(0x80, 98, [1, 44], [0, 0x2d, 0xc6, 0xc0], 2),
      wire(0, 98, [1, 45], [0, 0x2d, 0xc6, 0xe0], 2),
    ]);
    const base = 2 * row.rowWords;
    assert.equal([table.words[base + row.packets], table.words[base + row.octets]], [2, 6]);
    assert.is(table.times[base / 2 + row.sentAt], 7);
    await close();
  });

  story("who talks gets nothing back, nor does who does not listen, and both come in later", async (bench) => {
    const { send, heardBy, table, rows, close } = await group(bench, 3);
    const base = (rows[1] ?? 0) * row.rowWords;
    table.words[base] = (table.words[base] ?? 0) & ~row.listening;
    send({}, rows[0]);
    assert.is((await heardBy(2, 1)).length, 1);
    assert.equal([await heardBy(0, 0), await heardBy(1, 0)], [[], []]);
    table.words[base] = (table.words[base] ?? 0) | row.listening;
    send({ sequence: 6, timestamp: 60, marker: false, count: 2 });
    const [first] = await heardBy(1, 1);
    assert.is((first?.[1] ?? 0) >> 7, 1, "the first that it hears is marked");
    assert.is((await heardBy(2, 2)).length, 2);
    await close();
  });

  story("every driver numbers as plain code does, whatever the source does", async (bench) => {
    const { send, heardBy, table, rows, close } = await group(bench, 2);
    const [at = 0] = rows;
    const random = seededRandom(11);
    const some = (count: number): number => Math.floor(random.fraction() * count);
    const words = table.words.slice();
    const expected: number[][] = [];
    for (let step = 0, count = 0x7fff_fff0; step < 200; step++) {
      count = (count + some(5) - 2) | 0;
      const numbers = {
        sequence: some(65_536),
        timestamp: (random.fraction() * 2 ** 32) >>> 0,
        marker: some(9) === 0,
        count,
      };
      const all = { ...numbers, restart: some(20) === 0 ? 960 : 0 };
      if (some(10) === 0) {
        const flags = row.beginning | (some(2) * row.midway);
        for (const each of [table.words, words]) {
          each[at * row.rowWords] = ((each[at * row.rowWords] ?? 0) & ~row.midway) | flags;
          each[at * row.rowWords + row.burstTimestamp] = step << 24;
        }
      }
      const packet = Uint8Array.from([...new Uint8Array(headerLength), 0xaa, 0xbb, 0xcc]);
      if (row.number(words, at, packet, all)) expected.push([...packet]);
      send(all);
      if (step % 20 === 0) await heardBy(0, expected.length);
    }
    assert.ok(expected.length < 190, "some were of before the burst");
    assert.equal(await heardBy(0, expected.length), expected);
    const base = at * row.rowWords;
    assert.equal(table.words.slice(base, base + row.octets + 1), words.slice(base, base + row.octets + 1));
    await close();
  });

  story("a row that leads nowhere, is given back, or whose socket has closed sends nothing", async (bench) => {
    const { send, heardBy, table, rows, sockets, far, close } = await group(bench, 4);
    const [nowhere = 0, given = 0, , impossible = 0] = rows;
    table.aim(nowhere, sockets[0] ?? far, undefined);
    table.give(given);
    sockets[2]?.close();
    table.aim(impossible, sockets[3] ?? far, { host: "no-address", port: 5 });
    // It may take the place of the one that has closed, but not its stream.
    const next = await bench.network.udp({ host: bench.host, port: 0 }, () => {});
    send({});
    await bench.pass(20);
    assert.equal(
      [0, 1, 2, 3].map((index) => sockets[index]?.local.port ?? 0).filter((port) => port === 0),
      [],
    );
    for (const index of [0, 1, 2, 3]) assert.equal(await heardBy(index, 0), []);
    assert.is(table.take(), given);
    assert.is(table.take(), 4);
    assert.is(table.take(), undefined, "all are taken");
    assert.is(table.words[given * row.rowWords + row.ssrc], 0);
    next.close();
    await close();
  });

  story(
    "a socket that a stream leaves from stays what it is: it hears everybody, and its port is its own",
    async (bench) => {
      const { network, host } = bench;
      const heard: number[] = [];
      const socket = await network.udp({ host, port: 0 }, (_data, { port }) => heard.push(port));
      const ends = [await network.udp({ host, port: 0 }, () => {}), await network.udp({ host, port: 0 }, () => {})];
      const table = network.streams(1);
      table.aim(table.take() ?? -1, socket, ends[0]?.local);
      for (const end of ends) end.send(Uint8Array.of(1), socket.local);
      await until(bench, "both", () => heard.length === 2);
      assert.equal(heard.toSorted(), ends.map(({ local }) => local.port).toSorted());
      const clash = await settled(
        bench,
        network.udp(socket.local, () => {}).catch((error) => error),
      );
      assert.ok(clash instanceof DeviceError && clash.code === "EADDRINUSE");
      socket.close();
      (await network.udp(socket.local, () => {})).close();
      for (const end of ends) end.close();
    },
  );

  story("datagrams for many sockets at once all arrive, each at its own", async (bench) => {
    const { network, host } = bench;
    const counts = new Array<number>(50).fill(0);
    const sockets = [];
    for (const index of counts.keys())
      sockets.push(
        await network.udp({ host, port: 0 }, (data) => {
          if (data[0] === index) counts[index] = (counts[index] ?? 0) + 1;
        }),
      );
    const [sender] = sockets;
    for (let round = 0; round < 20; round++)
      for (const [index, { local }] of sockets.entries()) sender?.send(Uint8Array.of(index), local);
    await until(bench, "all of them", () => counts.every((count) => count === 20));
    for (const socket of sockets) socket.close();
  });

  story("who is closed by the one that hears first hears nothing more", async (bench) => {
    const { network, host } = bench;
    const heard: string[] = [];
    const pair = await Promise.all(
      ["one", "two"].map((name) =>
        network.udp({ host, port: 0 }, () => {
          heard.push(name);
          for (const { socket } of ends) socket.close();
        }),
      ),
    );
    const ends = pair.map((socket) => ({ socket }));
    const sender = await network.udp({ host, port: 0 }, () => {});
    for (const { local } of pair) sender.send(Uint8Array.of(1), local);
    await until(bench, "the first", () => heard.length > 0);
    await bench.pass(20);
    assert.is(heard.length, 1);
    sender.close();
  });
}
