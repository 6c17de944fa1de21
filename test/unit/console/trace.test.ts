import { test } from "uvu";
import * as assert from "uvu/assert";
import { openAdmin } from "../../../firmware/console/admin.ts";
import { fullRung, rung } from "../../../firmware/console/ladder.ts";
import { passes, type TraceEntry, traceEntry, withoutSecrets } from "../../../firmware/console/trace-entry.ts";
import { silent } from "../../../firmware/log.ts";
import { virtualClock } from "../../../hal/clock/virtual.ts";
import type { Local, LocalConnection } from "../../../hal/local/port.ts";

const flow = { transport: "udp", remote: { host: "10.0.0.9", port: 5060 } };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll("\n", "\r\n"));
const register = bytes(`REGISTER sip:crew.example SIP/2.0
Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1
f: <sip:phone1@crew.example>;tag=1
To: <sip:phone1@crew.example>
i: 3be45973@10.0.0.9
CSeq: 2 REGISTER
Authorization: Digest username="phone1", realm="crew.example", nonce="AAAA",
 uri="sip:crew.example", response="0123456789abcdef", cnonce=6b8b, qop=auth, nc=00000001

`);
const answer = bytes(`SIP/2.0 200 OK
From: <sip:phone1@crew.example>;tag=1
To: <sip:phone1@crew.example>;tag=2
Call-ID: 3be45973@10.0.0.9
CSeq: 2 REGISTER

`);
const at = Date.UTC(2025, 0, 1, 9, 8, 7, 654);

test("a message is named by what it is, between whom, and in which call, in short header names too", () => {
  const entry = traceEntry(at, "in", flow, register);
  assert.is(entry.summary, "REGISTER sip:crew.example");
  assert.is(entry.peer, "udp 10.0.0.9:5060");
  assert.is(entry.call, "3be45973@10.0.0.9");
  assert.equal(entry.users, ["phone1"]);
  assert.is(traceEntry(at, "out", flow, answer).summary, "200 OK (REGISTER)");
});

test("what would help to guess a password or to hear a call is masked, on folded lines too", () => {
  const { text } = traceEntry(at, "in", flow, register);
  for (const secret of ["0123456789abcdef", "6b8b", "AAAA"]) assert.not.ok(text.includes(secret), secret);
  for (const kept of ['username="phone1"', "qop=auth", 'uri="sip:crew.example"']) assert.ok(text.includes(kept), kept);
  const sdp = withoutSecrets("v=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\nk=clear:c2VjcmV0\n");
  assert.is(sdp, "v=0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 ***\nk=clear:***\n");
  for (const line of [
    "a=crypto:1  AES_CM_128_HMAC_SHA1_80\tinline:c2VjcmV0|2^20 WSH=64\r",
    "A=Crypto: 1 AEAD_AES_128_GCM inline:c2VjcmV0;inline:c2VjcmV0|1:4\r",
    " a=crypto:1 AEAD_AES_128_GCM c2VjcmV0",
    "a=crypto:INLINE:c2VjcmV0",
    "a=key-mgmt:inline:c2VjcmV0|x inline:c2VjcmV0",
  ])
    assert.not.match(withoutSecrets(line), /c2VjcmV0/);
});

test("only the user, or the call, that is looked for passes", () => {
  const entry = traceEntry(at, "in", flow, register);
  assert.ok(passes({}, entry));
  assert.ok(passes({ user: "phone1", call: "3be4" }, entry));
  assert.not.ok(passes({ user: "phone2" }, entry));
  assert.not.ok(passes({ call: "be45973" }, entry));
});

test("a rung of the ladder has the time, the peer, the way and the message, and nothing that a terminal would obey", () => {
  assert.match(
    rung(traceEntry(at, "in", flow, register)),
    /^09:08:07\.654 {2}udp 10\.0\.0\.9:5060 +──▶ {2}REGISTER sip:crew\.example +phone1 +3be45973@10\.$/,
  );
  assert.match(rung(traceEntry(at, "out", flow, answer)), /◀── {2}200 OK \(REGISTER\)/);
  const nasty = traceEntry(at, "in", flow, bytes("OPTIONS \u001b[2Jsip:x SIP/2.0\nCall-ID: \u001b]0;x\n\n"));
  assert.not.ok(fullRung(nasty).includes("\u001b"));
});

test("garbage is shown as what it is", () => {
  const entry = traceEntry(at, "in", flow, Uint8Array.of(0xff, 0x00, 0x80));
  assert.is(entry.call, "");
  assert.ok(rung(entry).includes("──▶"));
});

/** A local socket whose connections the test holds in its hands. */
function hands() {
  let accept: (connection: LocalConnection) => void = () => {};
  const local: Local = {
    async listen(_path, onConnection) {
      accept = onConnection;
      return { async close() {} };
    },
    connect: () => Promise.reject(new Error("nobody connects here")),
  };
  function looker(reads: () => boolean = () => true) {
    const lines: Record<string, unknown>[] = [];
    const connection: LocalConnection = {
      onLine() {},
      onClose() {},
      send: (line) => reads() && lines.push(JSON.parse(line)) > 0,
      close() {},
    };
    accept(connection);
    return { connection, lines };
  }
  return { local, looker };
}

test("who asks sees every message that passes its filter, until it goes; who asks wrongly is told what is expected", async () => {
  const { local, looker } = hands();
  const admin = await openAdmin(
    { clock: virtualClock(), local, log: silent, voiceLog: () => undefined },
    "/admin.sock",
  );
  const all = looker();
  const other = looker();
  const wrong = looker();
  all.connection.onLine('{"sip-trace":{}}');
  other.connection.onLine('{"sip-trace":{"user":"phone2"}}');
  wrong.connection.onLine("trace!");
  admin.sip("in", flow, register);
  all.connection.onClose();
  admin.sip("out", flow, answer);
  assert.equal(
    all.lines.map(({ summary }) => summary),
    ["REGISTER sip:crew.example"],
  );
  assert.equal(other.lines, []);
  assert.match(`${wrong.lines[0]?.["error"]}`, /expected/);
  await admin.close();
});

test("who does not read holds nothing up, and is told how many messages it missed", async () => {
  const { local, looker } = hands();
  const admin = await openAdmin(
    { clock: virtualClock(), local, log: silent, voiceLog: () => undefined },
    "/admin.sock",
  );
  let reads = false;
  const slow = looker(() => reads);
  slow.connection.onLine('{"sip-trace":{}}');
  admin.sip("in", flow, register);
  admin.sip("out", flow, answer);
  reads = true;
  admin.sip("in", flow, register);
  admin.sip("out", flow, answer);
  assert.equal(
    slow.lines.map((line) => (line as Partial<TraceEntry> & { missed?: number }).missed),
    [2, undefined],
  );
  await admin.close();
});

test.run();
