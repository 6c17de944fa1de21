import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  acknowledgeBit,
  ackSource,
  encodeFloor,
  type FloorMessage,
  floorIndicator,
  floorSubtype,
  isFloorPacket,
} from "../../firmware/floor/message.ts";
import { encodeSession, sessionSubtype } from "../../firmware/floor/session-message.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { fullest } from "../support/floor-messages.ts";
import { pcapOf } from "../support/pcap.ts";
import { sessionMessages } from "../support/session-messages.ts";
import { testWith } from "../support/skip.ts";
import { openSite } from "../unit/conference/site.ts";

const port = 40_001;
const messages: readonly FloorMessage[] = Object.values(fullest);

const columns = {
  subtype: "rtcp.app.subtype",
  ssrc: "rtcp.ssrc.identifier",
  name: "rtcp.app.name",
  ids: "rtcp.mcptt.fld_id",
  priority: "rtcp.app_data.mcptt.priority",
  duration: "rtcp.app_data.mcptt.duration",
  denied: "rtcp.app_data.mcptt.rej_cause.floor_deny",
  revoked: "rtcp.app_data.mcptt.rej_cause.floor_revoke",
  phrase: "rtcp.mcptt.rej_phrase",
  position: "rtcp.app_data.mcptt.queue_pos_inf",
  queuePriority: "rtcp.app_data.mcptt.queue_pri_lev",
  party: "rtcp.mcptt.granted_partys_id",
  mayRequest: "rtcp.app_data.mcptt.perm_to_req_floor",
  userId: "rtcp.app_data.mcptt.user_id",
  queueSize: "rtcp.app_data.mcptt.queue_size",
  sequence: "rtcp.app_data.mcptt.msg_seq_num",
  source: "rtcp.app_data.mcptt.source",
  of: "rtcp.app_data.mcptt.msg_type",
  indicator: "rtcp.app_data.mcptt.floor_ind",
  media: "rtcp.app_data.mcptt.rtcp",
  faults: "_ws.expert",
} as const;
type Row = { readonly [Column in keyof typeof columns]?: string };

/** What tshark makes of the packets, a row a packet, without its empty columns. */
function dissect(packets: readonly Uint8Array[]): readonly Row[] {
  const folder = mkdtempSync(join(tmpdir(), "roger-floor-"));
  try {
    const file = join(folder, "floor.pcap");
    writeFileSync(file, pcapOf(packets, port));
    const fields = Object.values(columns).flatMap((name) => ["-e", name]);
    const args = ["-r", file, "-d", `udp.port==${port},rtcp`, "-T", "fields", "-E", "separator=|", ...fields];
    const out = execFileSync("tshark", args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 60_000,
    });
    const names = Object.keys(columns);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => {
        const cells = line.split("|").map((cell, index) => [names[index] ?? "", cell] as const);
        return Object.fromEntries(cells.filter(([, cell]) => cell !== ""));
      });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const alice = "sip:alice@north.example";
const expected: { readonly [Type in FloorMessage["type"]]: Row } = {
  request: { subtype: "0", ids: "0,6,13", priority: "7", userId: alice, indicator: "4096" },
  granted: {
    subtype: "1",
    ids: "1,14,0,6,7,13",
    duration: "30",
    media: "4276993775",
    priority: "7",
    userId: alice,
    queueSize: "3",
    indicator: "33792",
  },
  taken: {
    subtype: "2",
    ids: "4,5,8,14,13",
    party: "sip:ålice@north.example",
    mayRequest: "1",
    sequence: "65535",
    media: "1",
    indicator: "33792",
  },
  deny: { subtype: "3", ids: "2,13", denied: "1", phrase: "wait for the other", indicator: "33792" },
  release: { subtype: "4", ids: "6,13", userId: "sip:alice", indicator: "33792" },
  idle: { subtype: "5", ids: "8,13", sequence: "513", indicator: "33792" },
  revoke: { subtype: "6", ids: "2,13", revoked: "4", phrase: "fire", indicator: "33792" },
  "queue-request": { subtype: "8", ids: "6", userId: alice },
  "queue-info": {
    subtype: "9",
    ids: "6,7,3,13",
    userId: "sip:al",
    queueSize: "4",
    position: "2",
    queuePriority: "9",
    indicator: "33792",
  },
  ack: { subtype: "10", ids: "10,12", source: "2", of: "17" },
};

const wanted = (message: FloorMessage): Row => ({ ssrc: "0x0000002a", name: "MCPT", ...expected[message.type] });

const testWithTshark = testWith("tshark");

testWithTshark("tshark reads every field of every floor message as it was meant, and finds no fault", () => {
  const rows = dissect(messages.map((message) => encodeFloor(message, { ssrc: 42 })));
  assert.is(rows.length, messages.length);
  messages.forEach((message, index) => assert.equal(rows[index], wanted(message), message.type));
});

testWithTshark("tshark knows the subtype of every message that asks for an Ack", () => {
  const asking = [17, 18, 19, 20, 21, 25];
  const rows = dissect(messages.map((message) => encodeFloor(message, { ssrc: 42, acknowledge: true })));
  assert.equal(
    rows.map(({ subtype }) => Number(subtype)).filter((subtype) => subtype >= 16),
    asking,
  );
});

/** Queueing, an emergency, a cut for length, a question and their Acks, as a conference server and its terminals say them. */
async function saidInACall(): Promise<readonly Uint8Array[]> {
  const site = openSite({ opus: await loadOpus(), settings: { queueing: true, talkMs: 5_000, talkWarningMs: 2_000 } });
  const said: Uint8Array[] = [];
  site.network.onDatagram(({ data }) => {
    if (isFloorPacket(data)) said.push(data.slice());
  });
  const alice = await site.member("alice", { mayRaise: true });
  const bob = await site.member("bob");
  const plain = await site.member("plain", { queues: false });
  bob.onTold = (message, acknowledge) => {
    const of = floorSubtype[message.type] | acknowledgeBit;
    if (acknowledge) bob.request({ type: "ack", of, source: ackSource.participant });
  };
  for (const each of [alice, bob, plain]) each.press();
  bob.request({ type: "queue-request" });
  for (let frame = 0; frame < 350; frame++) {
    alice.speak(Uint8Array.of(0xf8, 1));
    await site.clock.advance(20);
  }
  alice.request({ type: "release" }, true);
  await site.clock.advance(100);
  alice.request({ type: "request", priority: 1, indicator: floorIndicator.emergency });
  await site.clock.advance(1_500);
  bob.release();
  alice.request({ type: "release", userId: "sip:alice@example.org", indicator: floorIndicator.normal });
  await site.clock.advance(3_000);
  await site.close();
  return said;
}

testWithTshark(
  "tshark finds no fault with what is said in a call of queueing, an emergency and a burst that is cut",
  async () => {
    const said = await saidInACall();
    const rows = dissect(said);
    assert.equal(
      rows.filter(({ faults }) => faults !== undefined),
      [],
    );
    const seen = new Set(rows.map(({ subtype }) => Number(subtype) & ~acknowledgeBit));
    assert.equal(
      [...seen].sort((a, b) => a - b),
      Object.values(floorSubtype).sort((a, b) => a - b),
    );
    const told = rows.filter(({ subtype }) => [1, 2, 5].includes(Number(subtype) & ~acknowledgeBit));
    const urgent = told.filter(({ indicator }) => (Number(indicator) & floorIndicator.emergency) !== 0);
    assert.ok(urgent.length > 0 && urgent.length < told.length, "an emergency was told, and its end");
  },
);

testWithTshark("tshark takes every message of a pre-established session for a sound APP packet", () => {
  const rows = dissect(sessionMessages.map((message) => encodeSession(message, 42)));
  assert.equal(
    rows,
    sessionMessages.map(({ type }) => ({ ssrc: "0x0000002a", name: "MCPC", subtype: `${sessionSubtype[type]}` })),
  );
});

test.run();
