import { createHash } from "node:crypto";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { forgetful } from "../../../firmware/presence/binding-store.ts";
import { registrar } from "../../../firmware/presence/registrar.ts";
import { dialogOfCallee } from "../../../firmware/sip/dialog.ts";
import type { Handlers } from "../../../firmware/sip/endpoint.ts";
import { parseContactList, parseCSeq, parseNameAddr, parseVia, splitList } from "../../../firmware/sip/header.ts";
import { header, headers, type SipMessage, type SipRequest } from "../../../firmware/sip/message.ts";
import { answerOffer } from "../../../firmware/sip/negotiation.ts";
import { MalformedMessage, parseMessage } from "../../../firmware/sip/parse.ts";
import { aorOf, parseUri } from "../../../firmware/sip/uri.ts";
import { refusing, serverAddress, sipWire } from "../../support/sip-wire.ts";
import { openSite } from "../presence/site.ts";
import { messages } from "./torture/messages.ts";
import { tortures } from "./torture/table.ts";

const peerAddress = { host: "10.0.0.9", port: 5060 };
const decoder = new TextDecoder();

function bytesOf(name: string): Uint8Array {
  const bytes = messages.get(name);
  if (bytes === undefined) throw new Error(`no message ${name}`);
  return bytes;
}

function requestOf(name: string): SipRequest {
  const message = parseMessage(bytesOf(name));
  if (message.kind !== "request") throw new Error(`${name} is a response`);
  return message;
}

const uriIn = (message: SipMessage, name: string) => parseUri(parseNameAddr(header(message, name) ?? "").uri);

function parsed(name: string): "read" | "drop" | number {
  try {
    parseMessage(bytesOf(name));
    return "read";
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    return error.partial === undefined ? "drop" : error.status;
  }
}

/** A user agent that takes every call and registers everybody, and what it says to a peer. */
async function open() {
  const wire = sipWire();
  const bindings = registrar(
    { clock: wire.clock, accounts: { find: () => undefined, ha1: () => undefined }, bindings: forgetful },
    { bound() {}, unbound() {}, reach() {} },
  );
  const willing: Handlers = {
    onInvite(invite) {
      const { answer } = answerOffer(invite.offer(), { host: serverAddress.host, port: 4_000 }, "1");
      invite.accept({ type: "application/sdp", content: answer }, { onConfirmed() {}, onEnd() {} });
    },
    onSubscribe: refusing.onSubscribe,
    onRequest(incoming) {
      if (incoming.request.method !== "REGISTER") return incoming.respond(405);
      const aor = aorOf(uriIn(incoming.request, "to"));
      const nowhere = new Set<string>();
      const rights = {
        talkgroups: nowhere,
        listenOnly: nowhere,
        dispatches: nowhere,
        noPreempt: nowhere,
        raises: nowhere,
      };
      const none = { ...rights, identities: [], standing: [], digest: [] };
      bindings.register({ user: aor, aor, priority: 0, priorities: new Map(), ...none }, incoming);
    },
  };
  const endpoint = await wire.endpoint(serverAddress, willing);
  const said: string[] = [];
  const told = new Set<string>();
  wire.network.onDatagram(({ from, to, data }) => {
    if (from.host !== serverAddress.host) return;
    said.push(decoder.decode(data));
    told.add(to.host);
  });
  return {
    wire,
    endpoint,
    /** Every datagram of the user agent. */
    said,
    /** To whom. */
    told,
    async send(name: string): Promise<void> {
      wire.network.forge(peerAddress, serverAddress, bytesOf(name));
      await wire.clock.advance(100);
    },
  };
}

const statusOf = (response: string) => Number(response.slice(8, 11));
const linesOf = (response: string, name: string) =>
  response.split("\r\n").filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));

/** The one answer to a message. */
async function answerTo(name: string): Promise<string> {
  const { said, send } = await open();
  await send(name);
  assert.is(said.length, 1, name);
  return said[0] ?? "";
}

test("the messages are those of RFC 4475, all 49, byte for byte", () => {
  assert.equal(
    tortures.map(({ name }) => name),
    [...messages.keys()],
  );
  // Of the files of its appendix A, test.dat left out, one after the other by name; baddn with the empty line at its end
  // that the appendix lost.
  const hash = createHash("sha256");
  for (const name of [...messages.keys()].sort()) hash.update(bytesOf(name));
  assert.is(hash.digest("hex"), "e6cf1e5e4ec89ebb736976dfeab5baa4bcad5116d1492d810d53106fc6fc964e");
});

for (const { name, section, expected, parsed: outcome, answered, why } of tortures)
  test(`${name} (§${section}: ${expected}) is answered with ${answered || "silence"}${why ? `: ${why}` : ""}`, async () => {
    assert.is(parsed(name), outcome, "the parser");
    const { wire, said, told, send } = await open();
    await send(name);
    assert.equal(said.map(statusOf), answered === 0 ? [] : [answered]);
    assert.equal([...told], answered === 0 ? [] : [peerAddress.host], "no other host hears of it");
    if (answered === 200) return;
    await wire.clock.advance(33_000);
    assert.is(said.length, answered === 0 ? 0 : 1, "once");
  });

test("a short tortuous INVITE is taken apart (wsinv)", () => {
  const request = requestOf("wsinv");
  assert.equal([...parseNameAddr(header(request, "to") ?? "").params], [["tag", "1918181833n"]]);
  assert.is(parseNameAddr(header(request, "from") ?? "").display, 'J Rosenberg \\"');
  assert.equal(parseCSeq(header(request, "cseq") ?? ""), { number: 9, method: "INVITE" });
  assert.equal(
    headers(request, "via")
      .flatMap(splitList)
      .map(parseVia)
      .map(({ transport, host, params }) => `${transport} ${host} ${params.get("branch")}`),
    ["UDP 192.0.2.2 390skdjuw", "TCP spindle.example.com z9hG4bK9ikj8", "UDP 192.168.255.111 z9hG4bK30239"],
  );
  assert.is(header(request, "subject"), "");
  assert.is(header(request, "newfangledheader"), "newfangled value continued newfangled value");
  assert.is(header(request, "unknownheaderwithunusualvalue"), ";;,,;;,;");
  const [contact] = parseContactList(headers(request, "contact"));
  assert.equal(typeof contact === "object" && [contact.display, ...contact.params], [
    'Quoted string ""',
    ["newparam", "newvalue"],
    ["secondparam", ""],
    ["q", "0.33"],
  ]);
  assert.is(request.body.length, 150);
});

test("every character that the grammar allows is kept (intmeth, esc02, lwsdisp)", () => {
  const odd = requestOf("intmeth");
  assert.is(odd.method, "!interesting-Method0123456789_*+`.%indeed'~");
  assert.is(parseUri(odd.uri).password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
  assert.is(parseNameAddr(header(odd, "to") ?? "").display, "BEL:\x07 NUL:\0 DEL:\x7f");
  const from = parseNameAddr(header(odd, "from") ?? "");
  assert.is(from.display, "token1~` token2'+_ token3*%!.-");
  assert.equal(
    [...from.params],
    [
      ["fromparam''~+*_!.-%", "работающий"],
      ["tag", "_token~1'+`*%!-."],
    ],
  );
  assert.is(header(odd, "call-id"), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
  assert.is(header(odd, "extensionheader-!.%*+_`'~"), "\ufeff大停電");

  const escaped = requestOf("esc02");
  assert.is(escaped.method, "RE%47IST%45R");
  assert.is(parseNameAddr(header(escaped, "to") ?? "").display, "%Z%45");
  assert.is(headers(escaped, "contact").length, 2);
  assert.is(parseNameAddr(header(requestOf("lwsdisp"), "from") ?? "").display, "caller");
});

test("escapes are undone once, where they are escapes (esc01, escnull, semiuri)", async () => {
  const request = requestOf("esc01");
  assert.is(parseUri(request.uri).user, "sips:user@example.com");
  assert.is(uriIn(request, "to").user, "user");
  assert.is(uriIn(request, "from").user, "I have spaces");
  assert.equal(
    [uriIn(request, "contact").user, ...uriIn(request, "contact").params],
    ["caller", ["lr", ""], ["name", "value%41"]],
  );
  assert.is(uriIn(requestOf("escnull"), "to").user, "null-\0-null");
  assert.equal(linesOf(await answerTo("escnull"), "contact"), [
    "Contact: <sip:%00@host5.example.com>;expires=300",
    "Contact: <sip:%00%00@host5.example.com>;expires=300",
  ]);
  const semicolon = parseUri(requestOf("semiuri").uri);
  assert.equal([semicolon.user, semicolon.params.size], ["user;par=u@example.net", 0]);
});

test("long and many values are read whole (longreq, transports)", () => {
  const request = requestOf("longreq");
  assert.is(headers(request, "via").length, 34);
  assert.is(parseNameAddr(header(request, "from") ?? "").params.get("tag")?.length, 155);
  assert.equal(
    [...uriIn(request, "to").params.keys()].map((name) => name.length),
    [13, 109, 128],
  );
  assert.equal(
    headers(requestOf("transports"), "via").map((via) => parseVia(via).transport),
    ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"],
  );
});

test("a body is what Content-Length says, with NULs and without what follows (mpart01, dblreq)", () => {
  const { body } = requestOf("mpart01");
  assert.is(body.length, 553);
  assert.ok(body.includes(0));
  assert.match(decoder.decode(body.subarray(-24)), /^\r\n--7a9cbec02ceef655--\r\n$/);
  assert.is(requestOf("dblreq").body.length, 0);
});

test("a reason is any text, or none (unreason, noreason)", () => {
  const reason = (name: string) => {
    const message = parseMessage(bytesOf(name));
    return message.kind === "response" && message.reason;
  };
  assert.is(reason("unreason"), "= 2**3 * 5**2 но сто девяносто девять - простое");
  assert.is(reason("noreason"), "");
});

test("refusals say what would do instead (intmeth, bext01, invut)", async () => {
  assert.match(linesOf(await answerTo("intmeth"), "allow").join(), /INVITE/);
  assert.equal(linesOf(await answerTo("bext01"), "unsupported"), [
    "Unsupported: nothingSupportsThis, nothingSupportsThisEither",
  ]);
  assert.equal(linesOf(await answerTo("invut"), "accept"), ["Accept: application/sdp"]);
});

test("a refusal carries back what there was, once each (insuf, multi01, badvers)", async () => {
  const insufficient = await answerTo("insuf");
  for (const name of ["from", "to", "call-id"]) assert.equal(linesOf(insufficient, name), []);
  assert.equal(linesOf(insufficient, "cseq"), ["CSeq: 193942 INVITE"]);
  const multiple = await answerTo("multi01");
  for (const name of ["from", "to", "call-id", "cseq"]) assert.is(linesOf(multiple, name).length, 1);
  assert.equal(linesOf(await answerTo("badvers"), "via"), [
    "Via: SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw;received=10.0.0.9",
  ]);
});

test("a contact's parameters are the header's or the URI's as the brackets say (cparam01, cparam02)", async () => {
  const contact = "<sip:+19725552222@gw1.example.net";
  assert.equal(linesOf(await answerTo("cparam01"), "contact"), [`Contact: ${contact}>;expires=300`]);
  assert.equal(linesOf(await answerTo("cparam02"), "contact"), [`Contact: ${contact};unknownparam>;expires=300`]);
});

test("a contact's headers are kept, and not put into the requests that go to it (regescrt)", async () => {
  const [line] = linesOf(await answerTo("regescrt"), "contact");
  assert.is(line, "Contact: <sip:user@example.com?route=%3Csip:sip.example.com%3E>;expires=300");
  const invite = requestOf("esc01");
  const contact = ["contact", header(requestOf("regescrt"), "contact") ?? ""] as const;
  const received = { ...invite, headers: invite.headers.map((field) => (field[0] === "contact" ? contact : field)) };
  const { target } = dialogOfCallee(received, "<sip:b@x>;tag=1", { transport: "udp", remote: peerAddress });
  assert.is(target, "sip:user@example.com");
});

test("requests with the same useless branch are not the same request (badbranch)", async () => {
  const { wire, said, send } = await open();
  await send("badbranch");
  const text = decoder.decode(bytesOf("badbranch"));
  wire.network.forge(peerAddress, serverAddress, Buffer.from(text.replace("CSeq: 8", "CSeq: 9")));
  await wire.clock.advance(100);
  assert.equal(
    said.map((response) => linesOf(response, "cseq")),
    [["CSeq: 8 OPTIONS"], ["CSeq: 9 OPTIONS"]],
  );
});

test("a response that has a Via beside this endpoint's own is for nobody here (bcast)", async () => {
  const { wire, endpoint } = await open();
  const peer = await wire.raw(peerAddress);
  const statuses: number[] = [];
  const parties = { uri: "sip:b@10.0.0.9", from: "sip:a@10.0.0.1", to: "sip:b@10.0.0.9" };
  endpoint.request({ method: "OPTIONS", ...parties }, ({ status }) => statuses.push(status));
  await wire.clock.advance(20);
  const via = header(peer.received[0] ?? { headers: [] }, "via");
  const answer = (vias: string, status: string) =>
    decoder
      .decode(bytesOf("bcast"))
      .replace("200 OK", status)
      .replace(/Via: .*?(?=\r\nCall-ID)/s, vias)
      .replace("CSeq: 35 INVITE", "CSeq: 1 OPTIONS");
  for (const vias of [`Via: ${via}\r\nVia: SIP/2.0/UDP 255.255.255.255`, `Via: ${via}, SIP/2.0/UDP 255.255.255.255`]) {
    peer.send(answer(vias, "200 OK"));
    await wire.clock.advance(20);
  }
  assert.equal([statuses, endpoint.dropped["misrouted"]], [[], 2]);
  peer.send(answer(`Via: ${via}`, "204 No Notification"));
  await wire.clock.advance(20);
  assert.equal(statuses, [204]);
});

test("over TCP a frame that cannot be measured ends the connection, one that never ends is given up (ncl, mcl01, clerr)", async () => {
  for (const [name, ms] of [
    ["ncl", 0],
    ["mcl01", 0],
    ["clerr", 40_000],
  ] as const) {
    const { wire } = await open();
    const connecting = wire.network.host(peerAddress.host).connect(serverAddress);
    await wire.clock.advance(20);
    const connection = await connecting;
    let closed = false;
    connection.onClose = () => {
      closed = true;
    };
    connection.send(bytesOf(name));
    await wire.clock.advance(20);
    assert.is(closed, ms === 0, name);
    await wire.clock.advance(ms);
    assert.ok(closed, name);
  }
});

test("a presence server asks for a proof that it understands (regaut01)", async () => {
  const site = await openSite();
  const peer = await site.wire.raw(peerAddress);
  peer.send(bytesOf("regaut01"));
  await site.clock.advance(20);
  assert.equal(peer.statuses(), [401]);
  assert.match(headers(peer.received[0] ?? { headers: [] }, "www-authenticate").join(), /Digest .*SHA-256.*MD5/s);
  await site.close();
});

test.run();
