import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  type Dialog,
  dialogAfter,
  dialogOfCallee,
  dialogOfCaller,
  requestInside,
} from "../../../firmware/sip/dialog.ts";
import { header, headers, ProtocolError, type SipRequest } from "../../../firmware/sip/message.ts";
import { request, responseTo } from "../../../firmware/sip/serialize.ts";

const flow = { transport: "udp", remote: { host: "10.0.0.9", port: 5060 } } as const;
const invite = request({
  method: "INVITE",
  uri: "sip:bob@example.org",
  via: "SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1",
  from: "<sip:alice@example.org>;tag=a",
  to: "<sip:bob@example.org>",
  callId: "c1",
  cseq: 7,
  headers: [
    ["contact", "<sip:alice@10.0.0.2>"],
    ["record-route", "<sip:p2;lr>, <sip:p1;lr>"],
  ],
});
const ok = responseTo(invite, 200, { toTag: "b", headers: [["contact", "<sip:bob@10.0.0.3:5070>"]] });

function status(act: () => unknown): number | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.status;
    throw error;
  }
  return undefined;
}

function inside(method: string, cseq: number, contact?: string): SipRequest {
  const more = contact === undefined ? [] : [["contact", contact] as const];
  return request({
    method,
    uri: "sip:x",
    from: "<sip:alice@example.org>;tag=a",
    to: "<sip:bob@example.org>;tag=b",
    callId: "c1",
    cseq,
    headers: more,
  });
}

test("both sides of a dialog agree, and see the recorded route from their own end (RFC 3261 §12.1)", () => {
  const caller = dialogOfCaller(invite, ok, flow);
  const callee = dialogOfCallee(invite, "<sip:bob@example.org>;tag=b", flow);
  assert.equal([caller.localTag, caller.remoteTag], [callee.remoteTag, callee.localTag]);
  assert.equal([caller.target, callee.target], ["sip:bob@10.0.0.3:5070", "sip:alice@10.0.0.2"]);
  assert.equal(caller.routes, ["<sip:p1;lr>", "<sip:p2;lr>"]);
  assert.equal(callee.routes, ["<sip:p2;lr>", "<sip:p1;lr>"]);
  assert.equal([caller.localSeq, caller.remoteSeq, callee.remoteSeq], [7, undefined, 7]);
});

test("a request inside follows loose routes, and puts a strict router first (§12.2.1.1)", () => {
  const caller = dialogOfCaller(invite, ok, flow);
  const loose = requestInside(caller, "BYE", 8);
  assert.equal([loose.uri, headers(loose, "route")], ["sip:bob@10.0.0.3:5070", ["<sip:p1;lr>", "<sip:p2;lr>"]]);
  const strict = requestInside({ ...caller, routes: ["<sip:p1>", "<sip:p2;lr>"] }, "BYE", 8);
  assert.equal([strict.uri, headers(strict, "route")], ["sip:p1", ["<sip:p2;lr>", "<sip:bob@10.0.0.3:5070>"]]);
  assert.equal(
    [header(loose, "from"), header(loose, "to"), header(loose, "cseq")],
    ["<sip:alice@example.org>;tag=a", "<sip:bob@example.org>;tag=b", "8 BYE"],
  );
});

test("requests must come in order, and only target refreshes move the far end (§12.2.2)", () => {
  const dialog: Dialog = dialogOfCallee(invite, "<sip:bob@example.org>;tag=b", flow);
  const other = { transport: "tcp", remote: { host: "10.0.0.8", port: 1 }, connection: 3 } as const;
  assert.is(
    status(() => dialogAfter(dialog, inside("BYE", 6), flow)),
    500,
  );
  assert.is(
    status(() => dialogAfter(dialog, inside("BYE", 7), flow)),
    500,
  );
  const moved = dialogAfter(dialog, inside("INVITE", 9, "<sip:alice@10.0.0.7>"), other);
  assert.equal([moved.target, moved.flow, moved.remoteSeq], ["sip:alice@10.0.0.7", other, 9]);
  const stayed = dialogAfter(dialog, inside("INFO", 9, "<sip:evil@10.0.0.66>"), other);
  assert.equal([stayed.target, stayed.flow], [dialog.target, flow]);
});

test("what would lead nowhere opens no dialog", () => {
  const bare = { ...invite, headers: invite.headers.filter(([name]) => name !== "contact") };
  assert.is(
    status(() => dialogOfCallee(bare, "<sip:b@x>;tag=b", flow)),
    400,
  );
  const bad = { ...invite, headers: [...bare.headers, ["contact", "<sip:a b>"] as const] };
  assert.is(
    status(() => dialogOfCallee(bad, "<sip:b@x>;tag=b", flow)),
    400,
  );
  const mailto = { ...invite, headers: [...bare.headers, ["contact", "<mailto:a@b>"] as const] };
  assert.is(
    status(() => dialogOfCallee(mailto, "<sip:b@x>;tag=b", flow)),
    400,
  );
  // This side's Contact is made of its To, also long after the request.
  assert.is(
    status(() => dialogOfCallee(invite, "<sip:ops@exa\u00a0mple.org>;tag=b", flow)),
    400,
  );
});

test.run();
