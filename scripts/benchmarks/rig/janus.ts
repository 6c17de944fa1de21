/**
 * A peer of the comparison: the AudioBridge of Janus, whose participants come by plain RTP and are set up over its WebSocket.
 * It decodes who speaks, mixes, and encodes for each listener.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Network, UdpSocket } from "../../../hal/network/port.ts";
import { openSpeech } from "../../../hal/speech.ts";
import type { Contender, Opening } from "./contender.ts";
import { freePort, host } from "./gateway.ts";
import { measured } from "./process.ts";
import { speak, speechFrames } from "./speech.ts";

const room = 1;
const payloadType = 100;
const patienceMs = 10_000;
/** The mixer holds back some packets of each (default_prebuffering). */
const settleMs = 500;
/** It forgets a session that is silent for 60 s. */
const keepAliveMs = 20_000;
/** One frame of silence: by the first packet it learns that somebody is there. */
const silence = Uint8Array.of(0xf8, 0xff, 0xfe);

/** Everything but the bridge and the socket is left out; nothing is logged but errors. */
const files = (folder: string, api: number): Readonly<Record<string, string>> => ({
  "janus.jcfg": `general: { configs_folder = "${folder}", debug_level = 2 }
plugins: { disable = "libjanus_echotest.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_nosip.so,libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so,libjanus_duktape.so,libjanus_lua.so" }
transports: { disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
events: { disable = "libjanus_gelfevh.so,libjanus_mqttevh.so,libjanus_nanomsgevh.so,libjanus_rabbitmqevh.so,libjanus_sampleevh.so,libjanus_wsevh.so" }
loggers: { disable = "libjanus_jsonlog.so" }
`,
  "janus.transport.websockets.jcfg": `general: { json = "compact", ws = true, ws_port = ${api}, ws_ip = "${host}" }\n`,
  "janus.plugin.audiobridge.jcfg": `general: { local_ip = "${host}", rtp_port_range = "30000-32000" }
room-${room}: { description = "bench", sampling_rate = 16000, allow_rtp_participants = true, record = false }
`,
});

interface Participant {
  /** Packets of audio that came. */
  heard(): number;
  send(frame: Uint8Array): void;
  close(): void;
}

export async function openJanus({ folder, codec = "opus", speakers = 1 }: Opening): Promise<Contender> {
  const port = await freePort();
  for (const [name, text] of Object.entries(files(folder, port))) writeFileSync(join(folder, name), text);
  const program = measured("janus", ["--configs-folder", folder, "--disable-colors"], {
    core: "measured",
    cwd: folder,
  });
  const api = await openApi(port);
  const frames = await speechFrames();
  const { network } = await openSpeech();
  const crowd: Participant[] = [];
  const talkers: Participant[] = [];
  while (talkers.length < speakers) talkers.push(await participant(network, api, { muted: false, codec: "opus" }));
  const heard = (): number => crowd.reduce((sum, each) => sum + each.heard(), 0);

  return {
    process: program,
    async listeners(count) {
      while (crowd.length < count)
        crowd.push(await participant(network, api, { muted: true, codec: codec.toLowerCase() }));
      await pause(settleMs);
    },
    async talk(seconds) {
      const before = heard();
      // It sends to all of them whether somebody speaks or not: what comes meanwhile is what counts.
      const sent = await speak(frames, seconds, (frame) => talkers.forEach(({ send }) => send(frame)));
      return { sent, heard: heard() - before };
    },
    begin: () => Promise.reject(new Error("Janus has no floor: everybody is mixed")),
    async close() {
      for (const each of [...talkers, ...crowd]) each.close();
      api.close();
      await program.stop();
    },
  };
}

async function participant(
  network: Network,
  api: Api,
  by: { readonly muted: boolean; readonly codec: string },
): Promise<Participant> {
  let heard = 0;
  const socket = await network.udp({ host, port: 0 }, () => {
    heard += 1;
  });
  const rtp = { ip: host, port: socket.local.port, payload_type: payloadType };
  const to = await api.join({ request: "join", room, ...by, rtp });
  return standing(socket, to, () => heard);
}

function standing(socket: UdpSocket, port: number, heard: () => number): Participant {
  let sequence = 1;
  let timestamp = 0;
  const ssrc = port;
  function send(frame: Uint8Array): void {
    const packet = Buffer.alloc(12 + frame.length);
    packet[0] = 0x80;
    packet[1] = payloadType;
    packet.writeUInt16BE(sequence, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(ssrc, 8);
    packet.set(frame, 12);
    socket.send(packet, { host, port });
    sequence = (sequence + 1) & 0xffff;
    timestamp = (timestamp + 960) >>> 0;
  }
  send(silence);
  return { heard, send, close: () => socket.close() };
}

interface Api {
  /** Resolves with the port that the participant is to send to. */
  join(body: object): Promise<number>;
  close(): void;
}

interface Said {
  readonly janus: string;
  readonly transaction?: string;
  readonly data?: { readonly id: number };
  readonly plugindata?: { readonly data: { readonly rtp?: { readonly port: number }; readonly error?: string } };
  readonly error?: { readonly reason: string };
}

/** The messages of the Janus API, and the room's. */
async function openApi(port: number): Promise<Api> {
  const socket = await connected(port);
  const waiting = new Map<string, (said: Said) => void>();
  let count = 0;
  socket.addEventListener("message", ({ data }) => {
    // Its own notices of others who join have no transaction.
    const said = JSON.parse(String(data)) as Said;
    if (said.janus !== "ack" && said.transaction !== undefined) waiting.get(said.transaction)?.(said);
  });

  function ask(message: object): Promise<Said> {
    const transaction = `${count++}`;
    return new Promise((resolve, reject) => {
      const impatience = setTimeout(
        () => reject(new Error(`janus: no answer to ${JSON.stringify(message)}`)),
        patienceMs,
      );
      waiting.set(transaction, (said) => {
        clearTimeout(impatience);
        waiting.delete(transaction);
        const fault = said.error?.reason ?? said.plugindata?.data.error;
        if (fault === undefined) resolve(said);
        else reject(new Error(`janus: ${fault}`));
      });
      socket.send(JSON.stringify({ ...message, transaction }));
    });
  }

  const session_id = (await ask({ janus: "create" })).data?.id;
  const heart = setInterval(
    () => socket.send(JSON.stringify({ janus: "keepalive", session_id, transaction: "keepalive" })),
    keepAliveMs,
  );
  return {
    async join(body) {
      const attached = await ask({ janus: "attach", session_id, plugin: "janus.plugin.audiobridge" });
      const joined = await ask({ janus: "message", session_id, handle_id: attached.data?.id, body });
      const to = joined.plugindata?.data.rtp?.port;
      if (to === undefined) throw new Error(`janus: no port in ${JSON.stringify(joined)}`);
      return to;
    },
    close() {
      clearInterval(heart);
      socket.close();
    },
  };
}

async function connected(port: number): Promise<WebSocket> {
  for (const from = performance.now(); performance.now() - from < patienceMs; await pause(100)) {
    const socket = new WebSocket(`ws://${host}:${port}`, "janus-protocol");
    const came = await new Promise<boolean>((resolve) => {
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("error", () => resolve(false));
    });
    if (came) return socket;
  }
  throw new Error("janus does not answer");
}
