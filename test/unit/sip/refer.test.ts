import { test } from "uvu";
import * as assert from "uvu/assert";
import type { IncomingRefer, Referral } from "../../../firmware/sip/endpoint.ts";
import { header, ProtocolError, type SipMessage } from "../../../firmware/sip/message.ts";
import { insideSession, text } from "../../support/sip-session.ts";
import { refusing, requestText, serverAddress, sipWire } from "../../support/sip-wire.ts";

const contact = "Contact: <sip:peer@10.0.0.9:5060>";
const listHeaders = [
  contact,
  "Refer-To: <cid:list%40example.org>",
  "Require: multiple-refer, norefersub",
  "Refer-Sub: false",
  "Content-ID: <list@example.org>",
  "Content-Type: application/resource-lists+xml;charset=utf-8",
];

const headerOf = (message: SipMessage | undefined, name: string) => header(message ?? { headers: [] }, name);

/** An endpoint that takes REFER, and a bare peer that sends it outside any dialog. */
async function open(onRefer: ((refer: IncomingRefer) => void) | undefined) {
  const wire = sipWire();
  const endpoint = await wire.endpoint(serverAddress, { ...refusing, ...(onRefer && { onRefer }) });
  const peer = await wire.raw({ host: "10.0.0.9", port: 5060 });
  let branch = 0;
  const tell = async (
    method: string,
    headers: readonly string[],
    more: { body?: string; toTag?: string; cseq?: number } = {},
  ) => {
    branch += 1;
    peer.send(
      requestText({ method, branch: `z9hG4bK${branch}`, callId: more.toTag ? "c1" : `c${branch}`, headers, ...more }),
    );
    await wire.clock.advance(20);
  };
  const answer = async (status = 200) => {
    const request = peer.received.findLast((message) => message.kind === "request");
    const copied = ["via", "from", "to", "call-id", "cseq"].map((name) => `${name}: ${headerOf(request, name)}`);
    peer.send([`SIP/2.0 ${status} X`, ...copied, "", ""].join("\r\n"));
    await wire.clock.advance(20);
  };
  const notifies = () => peer.received.filter((message) => message.kind === "request" && message.method === "NOTIFY");
  return { wire, endpoint, peer, tell, answer, notifies };
}

test("a REFER is accepted with 202, and what becomes of it is told until the end", async () => {
  let referral: Referral | undefined;
  const targets: string[] = [];
  const { wire, peer, tell, answer, notifies, endpoint } = await open((refer) => {
    targets.push(refer.target());
    assert.equal([refer.session, refer.list], [undefined, undefined]);
    referral = refer.accept();
  });
  await tell("REFER", [contact, "Refer-To: <sip:bob@example.org;method=INVITE;user=phone?Subject=x>"]);
  assert.equal(targets, ["sip:bob@example.org;user=phone"]);
  assert.equal(peer.statuses(), [202]);
  assert.match(headerOf(peer.received[0], "contact") ?? "", /10\.0\.0\.1/);
  const [first] = notifies();
  assert.equal(
    ["event", "subscription-state", "content-type"].map((name) => headerOf(first, name)),
    ["refer", "active;expires=240", "message/sipfrag;version=2.0"],
  );
  assert.is(text(first), "SIP/2.0 100 Trying\r\n");

  referral?.progress(180, "Ringing");
  referral?.progress(200, "OK\r\nsaid");
  await answer();
  assert.equal([notifies().length, text(notifies()[1])], [2, "SIP/2.0 200 OK said\r\n"]);
  assert.is(headerOf(notifies()[1], "subscription-state"), "terminated;reason=noresource");
  await answer();
  referral?.progress(486, "Busy Here");
  await wire.clock.advance(100);
  assert.is(notifies().length, 2);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("its watcher may refresh or end the subscription, and it ends by itself", async () => {
  const { wire, peer, tell, answer, notifies } = await open((refer) => void refer.accept());
  await tell("REFER", [contact, "Refer-To: sip:bob@example.org"]);
  await answer();
  const toTag = /tag=(\w+)/.exec(headerOf(peer.received[0], "to") ?? "")?.[1] ?? "";
  await tell("SUBSCRIBE", [contact, "Event: refer", "Expires: 60"], { toTag, cseq: 2 });
  await answer();
  assert.is(peer.statuses().at(-1), 200);
  assert.equal([notifies().length, headerOf(notifies()[1], "subscription-state")], [2, "active;expires=60"]);
  await wire.clock.advance(60_000);
  assert.is(headerOf(notifies()[2], "subscription-state"), "terminated;reason=timeout");
  assert.is(text(notifies()[2]), "SIP/2.0 100 Trying\r\n");
  await answer();
  await tell("SUBSCRIBE", [contact, "Event: refer", "Expires: 60"], { toTag, cseq: 3 });
  assert.is(peer.statuses().at(-1), 481);
});

test("Refer-Sub: false is agreed to, and nothing more is told (RFC 4488)", async () => {
  let referral: Referral | undefined;
  const { peer, tell, notifies, wire } = await open((refer) => {
    referral = refer.accept();
  });
  await tell("REFER", [contact, "Refer-To: sip:bob@example.org", "Refer-Sub: false"]);
  referral?.progress(200, "OK");
  await wire.clock.advance(100);
  assert.equal([peer.statuses(), headerOf(peer.received[0], "refer-sub"), notifies().length], [[202], "false", 0]);
});

test("a list is handed over as text, for one who reads lists", async () => {
  const lists: (string | undefined)[] = [];
  const { peer, tell } = await open((refer) => {
    lists.push(refer.list);
    assert.throws(refer.target, (error: unknown) => error instanceof ProtocolError && error.status === 400);
    refer.accept();
  });
  await tell("REFER", listHeaders, { body: "<resource-lists/>" });
  assert.equal([peer.statuses(), lists], [[202], ["<resource-lists/>"]]);
});

const several = listHeaders.filter((line) => !/^Content/.test(line));
const part = (headers: readonly string[], body: string) => ["--b", ...headers, "", body].join("\r\n");
const list = part(
  listHeaders.filter((line) => /^Content/.test(line)),
  "<list/>",
);

test("a list may be one of several parts (RFC 5621)", async () => {
  const bodies = [
    [part(["Content-Type: text/plain"], "--b of no end"), list, "--b--"],
    ["preamble", list.replace("--b", "--b  "), part([], "x"), "--b--", "epilogue"],
    [part([], ""), "--bb", list, "--b--"],
  ];
  for (const body of bodies) {
    const lists: (string | undefined)[] = [];
    const { peer, tell } = await open((refer) => {
      lists.push(refer.list);
      refer.accept();
    });
    await tell("REFER", [...several, 'Content-Type: multipart/mixed; boundary="b"'], { body: body.join("\r\n") });
    assert.equal([peer.statuses(), lists], [[202], ["<list/>"]]);
  }
});

const other = (from: string, to: string) => listHeaders.map((line) => line.replace(from, to));
const refused: readonly (readonly [name: string, status: number, headers: readonly string[], body?: string])[] = [
  ["no Refer-To", 400, [contact]],
  ["two of them", 400, [contact, "Refer-To: sip:a@b, sip:c@d"]],
  ["no Contact", 400, ["Refer-To: sip:a@b"]],
  ["another method", 403, [contact, "Refer-To: <sip:a@b;method=BYE>"]],
  ["another scheme", 416, [contact, "Refer-To: <http://a/>"]],
  ["an extension that nobody knows", 420, [contact, "Refer-To: sip:a@b", "Require: x"]],
  ["a list with another id", 400, other("<list@", "<another@"), "x"],
  ["a list of another type", 415, other("application/resource-lists", "text/x"), "x"],
  ["parts without an end", 400, [...several, "Content-Type: multipart/mixed;boundary=b"], list],
  ["parts without a boundary", 400, [...several, "Content-Type: multipart/mixed"], `${list}\r\n--b--`],
  [
    "a part that cannot be read",
    400,
    [...several, "Content-Type: multipart/mixed;boundary=b"],
    `--b\r\n:\r\n\r\n${list}\r\n--b--`,
  ],
  [
    "too many parts",
    400,
    [...several, "Content-Type: multipart/mixed;boundary=b"],
    `${Array(20).fill(list).join("\r\n")}\r\n--b--`,
  ],
  [
    "a list in another encoding",
    415,
    [...several, "Content-Type: multipart/mixed;boundary=b"],
    `${list.replace("Content-ID", "Content-Transfer-Encoding: base64\r\nContent-ID")}\r\n--b--`,
  ],
  ["a list that is no text", 400, other("%40", "%ZZ"), "x"],
];

for (const [name, status, headers, body = ""] of refused)
  test(`a REFER with ${name} is refused with ${status}`, async () => {
    const { peer, tell, notifies } = await open((refer) => {
      if (refer.list === undefined) refer.target();
      refer.accept();
    });
    await tell("REFER", headers, { body });
    assert.equal([peer.statuses(), notifies().length], [[status], 0]);
    if (status === 415) assert.is(headerOf(peer.received[0], "accept"), "application/resource-lists+xml");
  });

test("who takes no REFER says so, and what is taken is told in Allow, Accept and Supported", async () => {
  const deaf = await open(undefined);
  await deaf.tell("REFER", [contact, "Refer-To: sip:a@b"]);
  assert.is(deaf.peer.statuses()[0], 405);
  assert.not.match(headerOf(deaf.peer.received[0], "allow") ?? "REFER", /REFER/);
  await deaf.tell("REFER", listHeaders);
  assert.is(deaf.peer.statuses()[1], 420);

  const { peer, tell } = await open(() => {});
  await tell("OPTIONS", []);
  assert.match(headerOf(peer.received[0], "allow") ?? "", /\bREFER\b/);
  assert.match(headerOf(peer.received[0], "accept") ?? "", /application\/resource-lists\+xml/);
  assert.match(headerOf(peer.received[0], "supported") ?? "", /multiple-refer, norefersub/);
});

test("a REFER inside a session is handed over with it, told of by id, and ends with the session", async () => {
  const wire = sipWire();
  const sessions: (string | undefined)[] = [];
  const { ask, answer, requests, peer, tell, endpoint } = await insideSession(
    wire,
    {},
    {
      handlers: {
        onRefer(refer) {
          sessions.push(refer.session);
          refer.accept();
        },
      },
    },
  );
  assert.is((await ask("REFER", { headers: [contact, "Refer-To: sip:a@b"] }))?.status, 202);
  assert.equal(sessions, ["c1"]);
  assert.is(headerOf(requests("NOTIFY")[0], "event"), "refer;id=2");
  answer(200);
  const renew = async (event: string) => (await ask("SUBSCRIBE", { headers: [contact, `Event: ${event}`] }))?.status;
  assert.equal([await renew("refer;id=2"), await renew("refer;id=1"), await renew("presence")], [200, 481, 489]);
  answer(200);
  tell("BYE");
  await wire.clock.advance(20);
  assert.is(headerOf(requests("NOTIFY").at(-1), "subscription-state"), "terminated;reason=noresource");
  assert.is(text(requests("NOTIFY").at(-1)), "SIP/2.0 100 Trying\r\n");
  assert.is(peer.statuses().at(-1), 200);
  answer(481);
  await wire.clock.advance(20);
  await endpoint.close();
  await wire.clock.advance(100);
  assert.is(wire.clock.pending(), 0);
});

test("a session has eight REFERs open at most, and is not harmed by more", async () => {
  const wire = sipWire();
  const { ask, told } = await insideSession(wire, {}, { handlers: { onRefer: (refer) => void refer.accept() } });
  const statuses: (number | undefined)[] = [];
  for (let i = 0; i < 9; i++) statuses.push((await ask("REFER", { headers: [contact, "Refer-To: sip:a@b"] }))?.status);
  assert.equal(statuses, [...Array(8).fill(202), 486]);
  assert.equal(told, ["confirmed"]);
});

test.run();
