/**
 * A peer of the comparison: svxreflector, the conference node of SvxLink, with nodes that speak version 1 of its protocol, as
 * Debian 12 has it: signalling over TCP in frames with a length before them, audio over UDP with a number for each node.
 */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, type Socket as TcpSocket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Network } from "../../../hal/network/port.ts";
import { openSpeech } from "../../../hal/speech.ts";
import { type Contender, type Opening, still } from "./contender.ts";
import { freePort, host, numbered, password } from "./gateway.ts";
import { measured } from "./process.ts";
import { speak, speechFrames } from "./speech.ts";

/** Types of messages over TCP, and over UDP. */
const tcp = { heartbeat: 1, version: 5, challenge: 10, response: 11, error: 13, serverInfo: 100 } as const;
const udp = { heartbeat: 1, audio: 101, flush: 102 } as const;
const version = { major: 1, minor: 0 };
/** It ends a connection that is silent for 15 s. */
const heartbeatMs = 8_000;
const patienceMs = 10_000;
const atATime = 25;

interface Node {
  /** Packets of audio that came. */
  heard(): number;
  onAudio: () => void;
  speak(frame: Uint8Array): void;
  /** The end of what it says. */
  flush(): void;
  close(): void;
}

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const counted = (bytes: Uint8Array): Buffer => Buffer.concat([u16(bytes.length), bytes]);

export async function openSvxreflector({ folder, most }: Opening): Promise<Contender> {
  const port = await freePort();
  const users = numbered(most);
  const config = join(folder, "svxreflector.conf");
  const rows = users.map((user) => `${user}=all`);
  writeFileSync(
    config,
    `[GLOBAL]\nLISTEN_PORT=${port}\nCODECS=OPUS\n\n[USERS]\n${rows.join("\n")}\n\n[PASSWORDS]\nall=${password}\n`,
  );
  const program = measured("svxreflector", [`--config=${config}`], { core: "measured", cwd: folder });
  await answering(port);
  const frames = await speechFrames();
  const { network } = await openSpeech();
  const nodes: Node[] = [];
  const speaker = await openNode(network, port, users[0] ?? "");
  const heard = (): number => nodes.reduce((sum, node) => sum + node.heard(), 0);

  return {
    process: program,
    async listeners(count) {
      while (nodes.length < count) {
        const from = nodes.length + 1;
        const next = users.slice(from, Math.min(from + atATime, count + 1));
        nodes.push(...(await Promise.all(next.map((user) => openNode(network, port, user)))));
      }
    },
    async talk(seconds) {
      const before = heard();
      const sent = await speak(frames, seconds, speaker.speak);
      speaker.flush();
      await still(heard);
      return { sent, heard: heard() - before };
    },
    async begin() {
      const caller = nodes[Math.floor(Math.random() * nodes.length)] ?? speaker;
      const ms = await firstHeard(caller, [speaker, ...nodes]);
      caller.flush();
      return ms;
    },
    async close() {
      for (const node of [speaker, ...nodes]) node.close();
      await program.stop();
    },
  };
}

/** Resolves when somebody listens at the port. */
async function answering(port: number): Promise<void> {
  for (const from = performance.now(); ; await pause(50)) {
    const socket = connect(port, host);
    const came = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (came) return;
    if (performance.now() - from > patienceMs) throw new Error("svxreflector does not answer");
  }
}

function firstHeard(caller: Node, nodes: readonly Node[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const impatience = setTimeout(() => over(() => reject(new Error("svxreflector: nobody heard it"))), patienceMs);
    function over(end: () => void): void {
      clearTimeout(impatience);
      for (const node of nodes) node.onAudio = () => {};
      end();
    }
    const from = performance.now();
    for (const node of nodes) node.onAudio = () => over(() => resolve(performance.now() - from));
    caller.speak(new Uint8Array(60).fill(0x48));
  });
}

async function openNode(network: Network, port: number, user: string): Promise<Node> {
  const connection = connect({ port, host, noDelay: true });
  await once(connection, "connect");
  const id = await logIn(connection, user);
  return standing(network, connection, port, id);
}

async function standing(network: Network, connection: TcpSocket, port: number, id: number): Promise<Node> {
  let heard = 0;
  let sequence = 0;
  const node = {
    heard: () => heard,
    onAudio(): void {},
    speak: (frame: Uint8Array) => send(udp.audio, counted(frame)),
    flush: () => send(udp.flush),
    close(): void {
      clearInterval(heart);
      socket.close();
      connection.destroy();
    },
  };
  function send(type: number, body: Uint8Array = new Uint8Array(0)): void {
    socket.send(Buffer.concat([u16(type), u16(id), u16(sequence), body]), { host, port });
    sequence = (sequence + 1) & 0xffff;
  }
  const socket = await network.udp({ host, port: 0 }, (data) => {
    if (((data[0] ?? 0) << 8) + (data[1] ?? 0) !== udp.audio) return;
    heard += 1;
    node.onAudio();
  });
  // It learns from the first datagram where this node is.
  send(udp.heartbeat);
  const heart = setInterval(() => {
    sendFrame(connection, tcp.heartbeat);
    send(udp.heartbeat);
  }, heartbeatMs);
  return node;
}

function sendFrame(connection: TcpSocket, type: number, ...parts: readonly Uint8Array[]): void {
  const body = Buffer.concat([u16(type), ...parts]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  connection.write(Buffer.concat([length, body]));
}

/** Resolves with the number that it is known by. */
function logIn(connection: TcpSocket, user: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let waiting = Buffer.alloc(0);
    connection.on("error", reject);
    connection.on("close", () => reject(new Error(`svxreflector closed the connection of ${user}`)));
    connection.on("data", (data: Buffer) => {
      waiting = Buffer.concat([waiting, data]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
        const frame = waiting.subarray(4, 4 + waiting.readUInt32BE(0));
        waiting = waiting.subarray(4 + frame.length);
        receive(frame);
      }
    });
    function receive(frame: Buffer): void {
      const type = frame.readUInt16BE(0);
      if (type === tcp.challenge) {
        const digest = createHmac("sha1", password).update(frame.subarray(4)).digest();
        sendFrame(connection, tcp.response, counted(Buffer.from(user)), counted(digest));
      }
      if (type === tcp.serverInfo) resolve(frame.readUInt32BE(2) & 0xffff);
      if (type === tcp.error) reject(new Error(`svxreflector refuses ${user}: ${frame.subarray(4).toString()}`));
    }
    sendFrame(connection, tcp.version, u16(version.major), u16(version.minor));
  });
}
