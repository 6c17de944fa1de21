import { test } from "uvu";
import * as assert from "uvu/assert";
import { DeviceError } from "../../hal/error.ts";
import type { Address, Network, TcpConnection, TcpListener, TlsCallers, TlsIdentity } from "../../hal/network/port.ts";
import { type Bench, settled, until } from "./bench.ts";

export interface NetworkBench extends Bench {
  readonly network: Network;
  /** An address of this machine. */
  readonly host: string;
}

export interface Certificates {
  /** Of a listener at the bench's host. */
  readonly identity: TlsIdentity;
  /** Those who signed for it, and others. */
  readonly authorities: string;
  readonly others: string;
}

/** Either kind of stream, as its two ends open it. */
interface Streams {
  listen(bench: NetworkBench, local: Address, accept: (connection: TcpConnection) => void): Promise<TcpListener>;
  connect(bench: NetworkBench, remote: Address): Promise<TcpConnection>;
}

const tcp: Streams = {
  listen: ({ network }, local, accept) => network.listen(local, accept),
  connect: ({ network }, remote) => network.connect(remote),
};

const tlsBy = ({ identity, authorities }: Certificates): Streams => ({
  listen: ({ network }, local, accept) => network.listenTls(local, identity, accept),
  connect: ({ network, host }, remote) => network.connectTls(remote, { authorities, name: host }),
});

const text = (data: Uint8Array): string => Buffer.from(data).toString();
const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

async function refusal(bench: NetworkBench, promise: Promise<unknown>): Promise<DeviceError> {
  try {
    await settled(bench, promise);
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error("expected a DeviceError");
}

/** What every network does, seen from one machine that talks to itself. */
export function networkContract(driver: string, open: () => NetworkBench): void {
  const story = (name: string, body: (bench: NetworkBench) => Promise<void>) =>
    test(`${driver} network: ${name}`, () => body(open()));
  streamContract(`${driver} network, TCP`, tcp, open);

  story("a datagram arrives with its sender's address, and can be answered", async (bench) => {
    const heard: string[] = [];
    const server = await bench.network.udp({ host: bench.host, port: 0 }, (data, from) => {
      server.send(bytes(`${text(data)} to you`), from);
    });
    const client = await bench.network.udp({ host: bench.host, port: 0 }, (data, from) => {
      heard.push(`${text(data)} from ${from.port === server.local.port}`);
    });
    client.send(bytes("hello"), server.local);
    await until(bench, "the answer", () => heard.length > 0);
    assert.equal(heard, ["hello to you from true"]);
    client.close();
    server.close();
  });

  story("what is sent is what the buffer held at that moment", async (bench) => {
    const heard: string[] = [];
    const server = await bench.network.udp({ host: bench.host, port: 0 }, (data) => heard.push(text(data)));
    const client = await bench.network.udp({ host: bench.host, port: 0 }, () => {});
    const reused = bytes("first");
    client.send(reused, server.local);
    reused.set(bytes("later"));
    client.send(reused, server.local);
    await until(bench, "two datagrams", () => heard.length === 2);
    assert.equal(heard, ["first", "later"]);
    client.close();
    server.close();
  });

  story("sending never throws, whatever the destination and after the end", async (bench) => {
    const socket = await bench.network.udp({ host: bench.host, port: 0 }, () => {});
    const nowhere: Address[] = [
      { host: bench.host, port: 0 },
      { host: bench.host, port: 70_000 },
      { host: "not-an-address", port: 5060 },
      { host: "::1", port: 5060 },
    ];
    for (const to of nowhere) socket.send(bytes("x"), to);
    socket.send(new Uint8Array(70_000), socket.local);
    await bench.pass(5);
    socket.close();
    socket.close();
    socket.send(bytes("x"), socket.local);
    await bench.pass(5);
  });

  story("an address can be held once, and is free again when it is closed", async (bench) => {
    const udp = await bench.network.udp({ host: bench.host, port: 0 }, () => {});
    const clash = await refusal(
      bench,
      bench.network.udp(udp.local, () => {}),
    );
    assert.is(clash.code, "EADDRINUSE");
    assert.match(clash.message, bench.host.includes(":") ? `[${bench.host}]:` : `${bench.host}:`);
    assert.match(clash.message, `:${udp.local.port}: `);
    udp.close();
    (await bench.network.udp(udp.local, () => {})).close();

    const tcp = await bench.network.listen({ host: bench.host, port: 0 }, () => {});
    assert.is(
      (
        await refusal(
          bench,
          bench.network.listen(tcp.local, () => {}),
        )
      ).code,
      "EADDRINUSE",
    );
    await tcp.close();
    await (await bench.network.listen(tcp.local, () => {})).close();
  });

  story("an address that is none, or not ours, is refused by name", async (bench) => {
    assert.is(
      (
        await refusal(
          bench,
          bench.network.udp({ host: "192.0.2.7", port: 0 }, () => {}),
        )
      ).code,
      "EADDRNOTAVAIL",
    );
    assert.is(
      (
        await refusal(
          bench,
          bench.network.listen({ host: "nowhere", port: 0 }, () => {}),
        )
      ).code,
      "EINVAL",
    );
    assert.is(
      (
        await refusal(
          bench,
          bench.network.udp({ host: "nowhere", port: 0 }, () => {}),
        )
      ).code,
      "EINVAL",
    );
  });
}

function streamContract(what: string, streams: Streams, open: () => NetworkBench): void {
  const story = (name: string, body: (bench: NetworkBench) => Promise<void>) =>
    test(`${what}: ${name}`, () => body(open()));

  async function connected(bench: NetworkBench): Promise<[TcpConnection, TcpConnection, () => Promise<void>]> {
    const accepted: TcpConnection[] = [];
    const listener = await streams.listen(bench, { host: bench.host, port: 0 }, (connection) =>
      accepted.push(connection),
    );
    const client = await settled(bench, streams.connect(bench, listener.local));
    await until(bench, "the connection is accepted", () => accepted.length > 0);
    const [server] = accepted;
    if (!server) throw new Error("nothing was accepted");
    return [client, server, () => listener.close()];
  }

  story("a connection carries a stream both ways, in order and whole", async (bench) => {
    const [client, server, close] = await connected(bench);
    const sent = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
    const heard: Buffer[] = [];
    let length = 0;
    let answer = "";
    server.onData = (data) => {
      heard.push(Buffer.from(data));
      length += data.length;
      if (length === sent.length) server.send(bytes("all here"));
    };
    client.onData = (data) => {
      answer += text(data);
    };
    for (let at = 0; at < sent.length; at += 5_000) client.send(sent.subarray(at, at + 5_000));
    await until(bench, "the answer", () => answer === "all here");
    assert.ok(Buffer.concat(heard).equals(sent));
    client.close();
    server.close();
    await close();
  });

  story("data sent on accept waits for the handlers that are set in the same turn", async (bench) => {
    const listener = await streams.listen(bench, { host: bench.host, port: 0 }, (connection) => {
      connection.send(bytes("welcome"));
    });
    let heard = "";
    const client = await settled(
      bench,
      streams.connect(bench, listener.local).then((connection) => {
        connection.onData = (data) => {
          heard += text(data);
        };
        return connection;
      }),
    );
    await until(bench, "the welcome", () => heard === "welcome");
    client.close();
    await listener.close();
  });

  story("who closes says nothing more; the peer gets what was sent before, and the end", async (bench) => {
    const [client, server, close] = await connected(bench);
    const seen: string[] = [];
    server.onData = (data) => seen.push(text(data));
    server.onClose = (error) => seen.push(`closed ${error?.message ?? "in peace"}`);
    client.onClose = () => seen.push("never: closing is no event to who closes");
    client.send(bytes("bye"));
    client.close();
    assert.is(client.send(bytes("too late")), false);
    await until(bench, "the end", () => seen.length >= 2);
    assert.equal(seen, ["bye", "closed in peace"]);
    await close();
  });

  story("a listener that closes leaves its connections alone, and takes no more", async (bench) => {
    const [client, server, close] = await connected(bench);
    await close();
    let heard = "";
    server.onData = (data) => {
      heard += text(data);
    };
    client.send(bytes("still here"));
    await until(bench, "the stream goes on", () => heard === "still here");
    assert.is((await refusal(bench, streams.connect(bench, client.remote))).code, "ECONNREFUSED");
    client.close();
    server.close();
  });
}

/** What TLS adds: who is believed, and what becomes of a peer that does not speak it. */
export function tlsContract(driver: string, open: () => NetworkBench, certificates: Certificates): void {
  const { identity, authorities, others } = certificates;
  const story = (name: string, body: (bench: NetworkBench) => Promise<void>) =>
    test(`${driver} network, TLS: ${name}`, () => body(open()));
  streamContract(`${driver} network, TLS`, tlsBy(certificates), open);

  /** A listener, and what became of each connection to it. */
  async function listening(bench: NetworkBench): Promise<[listener: TcpListener, fates: string[]]> {
    const fates: string[] = [];
    const listener = await bench.network.listenTls({ host: bench.host, port: 0 }, identity, (connection) => {
      connection.onData = (data) => fates.push(text(data));
      connection.onClose = (error) => fates.push(`closed ${error instanceof DeviceError ? error.code : ""}`);
    });
    return [listener, fates];
  }

  story(
    "a certificate that nobody signed who is trusted, or that is for another, is refused and says so",
    async (bench) => {
      const [listener, fates] = await listening(bench);
      const call = (trust: Parameters<Network["connectTls"]>[1]) =>
        refusal(bench, bench.network.connectTls(listener.local, trust));
      assert.match(
        (await call({ authorities: others, name: bench.host })).message,
        /certificate is signed by no authority/,
      );
      assert.match((await call({ name: bench.host })).message, /certificate is signed by no authority/);
      assert.match((await call({ authorities, name: "elsewhere.example" })).message, /certificate is for another name/);
      assert.match((await call({ authorities, name: "192.0.2.1" })).message, /certificate is for another name/);
      await until(bench, "the listener hears of each", () => fates.length === 4);
      assert.ok(
        fates.every((fate) => fate.startsWith("closed")),
        `${fates}`,
      );
      await listener.close();
    },
  );

  story("who calls without TLS is handed over, says nothing that is read, and is cut off for it", async (bench) => {
    const [listener, fates] = await listening(bench);
    const client = await settled(bench, bench.network.connect(listener.local));
    let cut = false;
    client.onClose = () => {
      cut = true;
    };
    client.send(bytes("OPTIONS sip:anybody@example.org SIP/2.0\r\n\r\n"));
    await until(bench, "both see the end", () => cut && fates.length > 0);
    assert.equal(fates, ["closed EPROTO"]);
    await listener.close();
  });

  story("who calls with TLS where none is spoken is told", async (bench) => {
    const listener = await bench.network.listen({ host: bench.host, port: 0 }, (connection) => {
      connection.onData = () => connection.send(bytes("what is this?\r\n"));
    });
    const { code } = await refusal(bench, bench.network.connectTls(listener.local, { authorities, name: bench.host }));
    assert.is(code, "EPROTO");
    await listener.close();
  });

  story("a connection may be closed before its handshake is over", async (bench) => {
    const listener = await bench.network.listenTls({ host: bench.host, port: 0 }, identity, (connection) => {
      assert.ok(connection.send(bytes("never read")));
      connection.close();
      assert.not(connection.send(bytes("too late")));
    });
    let cut = false;
    const calling = bench.network.connect(listener.local).then((client) => {
      client.onClose = () => {
        cut = true;
      };
    });
    const start = bench.clock.now();
    await until(bench, "the end", () => cut);
    assert.ok(bench.clock.now() - start < 5_000, "at once, not when a handshake would be given up");
    await calling;
    await listener.close();
  });

  story(
    "a caller that is asked for a certificate is known by one that is signed, and taken without one",
    async (bench) => {
      const { network, host } = bench;
      const names = [host, "elsewhere.example"];
      const known: string[] = [];
      const listen = (callers?: TlsCallers) =>
        network.listenTls(
          { host, port: 0 },
          identity,
          (connection) => {
            connection.onData = () => known.push(names.map((name) => connection.isFor?.(name)).join());
          },
          callers,
        );
      for (const [callers, shown, outcome] of [
        [{ authorities }, identity, "true,false"],
        [{ authorities }, undefined, "false,false"],
        [{ authorities: others }, identity, "false,false"],
        [undefined, identity, ","],
      ] as const) {
        const listener = await listen(callers);
        const calling = network.connectTls(listener.local, { authorities, name: host, identity: shown });
        const client = await settled(bench, calling);
        client.send(bytes("who am I?"));
        await until(bench, "the listener to be asked", () => known.length > 0);
        assert.equal(known.splice(0), [outcome]);
        client.close();
        await listener.close();
      }
    },
  );

  story("what is no certificate is refused at once", async (bench) => {
    const nothing = { certificate: "none", key: "none" };
    const { code } = await refusal(
      bench,
      bench.network.listenTls({ host: bench.host, port: 0 }, nothing, () => {}),
    );
    assert.is(code, "EKEY");
  });

  story("one port is held by one listener, whatever it speaks", async (bench) => {
    const [listener] = await listening(bench);
    const clash = await refusal(
      bench,
      bench.network.listen(listener.local, () => {}),
    );
    assert.is(clash.code, "EADDRINUSE");
    await listener.close();
  });
}
