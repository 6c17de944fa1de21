/**
 * Terminals that are sipp's: it sets up each session, and plays a recording of RTP and floor control into it whose every byte is
 * written here by hand from TS 24.380. What the gateway answers is read by tshark.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { startSite } from "../../scripts/demonstration/site.ts";
import { ownAddress, ownNetwork } from "../support/own-network.ts";
import { type Recorded, recordingOf } from "../support/pcap.ts";
import { program } from "../support/program.ts";
import { skip, testWith } from "../support/skip.ts";

const missing = await ownNetwork(import.meta.filename);
const interop = missing ? (name: string) => skip(name, missing) : testWith("sipp", "tshark");

/** Any even port: sipp moves what it plays to the ports of the session. */
const rtpPort = 30_000;
const mcpt = [0x4d, 0x43, 0x50, 0x54];

interface User {
  readonly name: string;
  readonly priority: number;
  readonly mediaPort: number;
  readonly ssrc: number;
  /** Before it calls, ms. */
  readonly waits: number;
  /** After the session stands. */
  readonly plays: readonly Recorded[];
}

const ssrcOf = (ssrc: number): number[] => [ssrc >>> 24, (ssrc >> 16) & 255, (ssrc >> 8) & 255, ssrc & 255];

/** RTCP APP "MCPT" (TS 24.380 §8.1.2): version 2, the subtype, 204, the length in words less one, and fields of whole words. */
function floor(at: number, ssrc: number, subtype: number, fields: readonly number[] = []): Recorded {
  const words = 2 + fields.length / 4;
  return {
    at,
    port: rtpPort + 1,
    data: Uint8Array.of(0x80 | subtype, 204, 0, words, ...ssrcOf(ssrc), ...mcpt, ...fields),
  };
}

/** Floor Request with a priority field: id 0, two bytes, of which the second is spare. */
const request = (at: number, ssrc: number): Recorded => floor(at, ssrc, 0, [0, 2, 0, 0]);
/** Floor Release that asks for an Ack. */
const release = (at: number, ssrc: number): Recorded => floor(at, ssrc, 0x14);
const position = (at: number, ssrc: number): Recorded => floor(at, ssrc, 8);

/** Opus as of an encoder that hears nothing, 20 ms each. */
function speech(from: number, to: number, ssrc: number): Recorded[] {
  return Array.from({ length: (to - from) / 20 }, (_, index) => {
    const timestamp = index * 960;
    const header = [0x80, index === 0 ? 0xef : 0x6f, index >> 8, index & 255, ...ssrcOf(timestamp), ...ssrcOf(ssrc)];
    return { at: from + index * 20, port: rtpPort, data: Uint8Array.of(...header, 0xf8, 0xff, 0xfe) };
  });
}

/** Without a payload it is nobody's speech: sipp plays the first of a recording at once, whatever its time. */
const first = (ssrc: number): Recorded => {
  const header = [0x80, 0x6f, 0, 0, ...ssrcOf(0), ...ssrcOf(ssrc)];
  return { at: 0, port: rtpPort, data: Uint8Array.from(header) };
};

/** INVITE to the talkgroup, the challenge, INVITE with credentials, and the recording in the session. */
function calling({ name, waits, mediaPort }: User, recording: string, lastsMs: number): string {
  const invite = (cseq: number, credentials: string): string => `<send retrans="500"><![CDATA[
INVITE sip:ops@crew.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
Max-Forwards: 70
From: <sip:${name}@crew.example>;tag=[pid]SIPpTag[call_number]
To: <sip:ops@crew.example>
Call-ID: [call_id]
CSeq: ${cseq} INVITE
Contact: <sip:${name}@[local_ip]:[local_port]>
${credentials}Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 7 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 111
a=rtpmap:111 opus/48000/2
m=application ${mediaPort + 1} udp MCPTT
a=fmtp:MCPTT mc_queueing;mc_priority=5
]]></send>`;
  const within = (method: string, cseq: number): string => `<send><![CDATA[
${method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch]
Max-Forwards: 70
From: <sip:${name}@crew.example>;tag=[pid]SIPpTag[call_number]
To: <sip:ops@crew.example>[peer_tag_param]
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Content-Length: 0

]]></send>`;
  const ackOfChallenge = `<send><![CDATA[
ACK sip:ops@crew.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];rport;branch=[branch-3]
Max-Forwards: 70
From: <sip:${name}@crew.example>;tag=[pid]SIPpTag[call_number]
To: <sip:ops@crew.example>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

]]></send>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="${name}">
<pause milliseconds="${waits}"/>
${invite(1, "")}
<recv response="100" optional="true"/>
<recv response="401" auth="true"/>
${ackOfChallenge}
${invite(2, `[authentication username=${name} password=secret-of-${name}]\n`)}
<recv response="100" optional="true"/>
<recv response="200" rrs="true"/>
${within("ACK", 2)}
<nop><action><exec play_pcap_audio="${recording}"/></action></nop>
<pause milliseconds="${lastsMs}"/>
${within("BYE", 3)}
<recv response="200"/>
</scenario>
`;
}

const columns = {
  at: "frame.time_relative",
  to: "udp.dstport",
  subtype: "rtcp.app.subtype",
  party: "rtcp.mcptt.granted_partys_id",
  position: "rtcp.app_data.mcptt.queue_pos_inf",
  revoked: "rtcp.app_data.mcptt.rej_cause.floor_revoke",
  indicator: "rtcp.app_data.mcptt.floor_ind",
  faults: "_ws.malformed",
} as const;
type Row = Record<keyof typeof columns, string>;

const names = ["request", "granted", "taken", "deny", "release", "idle", "revoke", "", "position?", "queued", "ack"];

function floorMessages(file: string): Row[] {
  const args = [
    "-r",
    file,
    "-d",
    "udp.port==5060,sip",
    "-Y",
    'rtcp.app.name == "MCPT"',
    "-T",
    "fields",
    "-E",
    "separator=|",
  ];
  const out = execFileSync("tshark", [...args, ...Object.values(columns).flatMap((field) => ["-e", field])], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 60_000,
  });
  return out
    .trimEnd()
    .split("\n")
    .map((line) => {
      const cells = line.split("|");
      const row: Row = { at: "", to: "", subtype: "", party: "", position: "", revoked: "", indicator: "", faults: "" };
      (Object.keys(columns) as (keyof Row)[]).forEach((name, index) => {
        row[name] = cells[index] ?? "";
      });
      return row;
    });
}

/** What one terminal was told, each thing once where it was said again at once. */
function toldTo(rows: readonly Row[], { mediaPort }: User): string[] {
  const words = rows
    .filter(({ to }) => Number(to) === mediaPort + 1)
    .map(({ subtype, party, position: place, revoked }) => {
      const name = names[Number(subtype) & 15] ?? subtype;
      const detail = party || place || revoked;
      return detail ? `${name} ${detail.replace("sip:", "").replace("@crew.example", "")}` : name;
    });
  return words.filter((word, index) => word !== words[index - 1] && word !== "ack");
}

async function play(users: readonly User[], lastsMs: number) {
  const folder = mkdtempSync(join(tmpdir(), "roger-sipp-floor-"));
  const account = ({ name, priority }: User): string =>
    `  - { user: ${name}, password: secret-of-${name}, talkgroups: [ops], priority: ${priority}, digest: [MD5] }\n`;
  const gateway = await startSite({
    site: "south",
    host: ownAddress,
    sipPort: 5060,
    mediaPorts: "21000-21999",
    broker: "none",
    accounts: users.map(account).join(""),
    talkgroup: "queueing: true",
    folder,
    log: join(folder, "south.log"),
  });
  const capture = join(folder, "floor.pcap");
  const tshark = program("tshark", ["-i", "lo", "-f", "udp", "-w", capture, "-P", "-l"]);
  await tshark.printed(/Capture started/);
  try {
    const runs = users.map((user, index) => {
      const recording = join(folder, `${user.name}.pcap`);
      const scenario = join(folder, `${user.name}.xml`);
      writeFileSync(recording, recordingOf(user.plays));
      writeFileSync(scenario, calling(user, recording, lastsMs - user.waits));
      const limits = [
        "-auth_uri",
        "ops@crew.example",
        "-m",
        "1",
        "-timeout",
        "60",
        "-timeout_error",
        "-nostdin",
        "-trace_err",
      ];
      const media = ["-mi", ownAddress, "-mp", `${user.mediaPort}`];
      return program(
        "sipp",
        [...["-sf", scenario, ...limits, ...media], "-i", ownAddress, "-p", `${5090 + index}`, `${ownAddress}:5060`],
        { cwd: folder },
      );
    });
    for (const run of runs) assert.is(await run.ended, 0, `${run.lines.slice(-40).join("\n")}\n${errorsIn(folder)}`);
  } finally {
    await gateway.close();
    await tshark.stop();
  }
  const rows = floorMessages(capture);
  rmSync(folder, { recursive: true, force: true });
  assert.equal(
    rows.filter(({ faults }) => faults !== ""),
    [],
    "nothing is malformed",
  );
  return rows;
}

/** What sipp found wrong. */
function errorsIn(folder: string): string {
  const files = readdirSync(folder).filter((file) => file.endsWith("_errors.log"));
  return files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
}

const user = (name: string, number: number, priority: number, waits: number, plays: readonly Recorded[]): User => ({
  ...{ name, priority, waits, plays: [first(number), ...plays] },
  mediaPort: 40_000 + 10 * number,
  ssrc: number,
});

interop(
  "terminals of sipp are queued, told their place, granted in turn, pre-empted, and told who talks when they come late",
  async () => {
    const alice = user("alice", 1, 0, 0, [
      request(500, 1),
      ...speech(600, 3_500, 1),
      release(3_500, 1),
      request(6_000, 1),
      ...speech(6_100, 7_300, 1),
      release(7_300, 1),
    ]);
    const bob = user("bob", 2, 0, 0, [
      request(1_500, 2),
      position(2_000, 2),
      ...speech(3_700, 4_700, 2),
      release(4_700, 2),
    ]);
    const chief = user("chief", 3, 9, 0, [request(7_000, 3), ...speech(7_400, 8_000, 3), release(8_000, 3)]);
    const late = user("late", 4, 0, 2_500, [...speech(500, 520, 4)]);
    const users = [alice, bob, chief, late];
    const rows = await play(users, 9_500);
    const toldAlice = toldTo(rows, alice);
    const toldBob = toldTo(rows, bob);
    const toldChief = toldTo(rows, chief);
    const toldLate = toldTo(rows, late);
    assert.equal(toldAlice, [
      ...["idle", "granted", "taken bob", "idle"],
      ...["granted", "revoke 4", "taken chief", "idle"],
    ]);
    assert.equal(toldBob, ["idle", "taken alice", "queued 1", "granted", "idle", "taken alice", "taken chief", "idle"]);
    assert.equal(toldChief, ["idle", "taken alice", "taken bob", "idle", "taken alice", "granted", "idle"]);
    // Who comes in mid-burst is told at once, and told off for the one packet that was sent without the floor.
    assert.equal(
      toldLate.filter((word) => word !== "revoke 3"),
      [...["taken alice", "taken bob", "idle", "taken alice", "taken chief", "idle"]],
    );
    const queued = rows.filter(({ to, subtype }) => Number(to) === bob.mediaPort + 1 && Number(subtype) === 9);
    assert.is(queued.length, 2, "told at once, and again on request");
    const acks = rows.filter(({ to, subtype }) => Number(to) === alice.mediaPort + 1 && Number(subtype) === 10);
    assert.is(acks.length, 2, "each Release that asks for an Ack has one");
    const outgoing = rows.filter(({ to, subtype }) => Number(to) >= 40_000 && Number(subtype) !== 10);
    assert.ok(
      outgoing.every(({ indicator }) => indicator !== ""),
      "each message says how urgent the call is",
    );
  },
);

test.run();
