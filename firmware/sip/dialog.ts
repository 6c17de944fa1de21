/** Dialogs as values (RFC 3261 §12): how they come to be, what a request inside one looks like, which requests are in order. */
import type { Extras, Flow } from "./contract.ts";
import { parseContactList, parseCSeq, parseNameAddr, splitList, tagOf } from "./header.ts";
import { header, headers, ProtocolError, type SipMessage, type SipRequest, type SipResponse } from "./message.ts";
import { request } from "./serialize.ts";
import { parseUri, targetOf } from "./uri.ts";

export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From and To of the requests sent inside, tags included. */
  readonly local: string;
  readonly remote: string;
  /** The remote target: where Contact pointed last. */
  readonly target: string;
  readonly routes: readonly string[];
  readonly localSeq: number;
  /** Undefined until the far end has sent a request. */
  readonly remoteSeq: number | undefined;
  /** The way to the far end that is known to work, whatever address its Contact shows (NAT). */
  readonly flow: Flow;
}

/** The caller's side (§12.1.2), from its request and a 1xx or 2xx. Throws ProtocolError when the answer lacks what a dialog needs. */
export function dialogOfCaller(sent: SipRequest, response: SipResponse, flow: Flow): Dialog {
  const local = header(sent, "from") ?? "";
  const remote = header(response, "to") ?? "";
  return {
    callId: header(sent, "call-id") ?? "",
    localTag: tagOf(local) ?? "",
    remoteTag: tagOf(remote) ?? "",
    local,
    remote,
    target: contactOf(response) ?? sent.uri,
    routes: routesOf(response).reverse(),
    localSeq: parseCSeq(header(sent, "cseq") ?? "").number,
    remoteSeq: undefined,
    flow,
  };
}

/** The callee's side (§12.1.1). `local`: the request's To with this side's tag. Throws ProtocolError 400 without a Contact, and for a To that cannot be this side's address. */
export function dialogOfCallee(received: SipRequest, local: string, flow: Flow): Dialog {
  const remote = header(received, "from") ?? "";
  const target = contactOf(received);
  if (target === undefined) throw new ProtocolError(400, `${received.method} without a Contact`);
  // This side's Contact is made of it whenever something is sent inside, which may be much later.
  parseUri(parseNameAddr(local).uri);
  return {
    callId: header(received, "call-id") ?? "",
    localTag: tagOf(local) ?? "",
    remoteTag: tagOf(remote) ?? "",
    local,
    remote,
    target,
    routes: routesOf(received),
    localSeq: 0,
    remoteSeq: parseCSeq(header(received, "cseq") ?? "").number,
    flow,
  };
}

/** A request inside the dialog, numbered `cseq` (§12.2.1.1). */
export function requestInside(dialog: Dialog, method: string, cseq: number, extras: Extras = {}): SipRequest {
  const [first] = dialog.routes;
  const strict = first !== undefined && !isLooseRouter(first);
  // A strict router gets itself as the Request-URI and the target as the last route.
  const uri = strict ? parseNameAddr(first).uri : dialog.target;
  const routes = strict ? [...dialog.routes.slice(1), `<${dialog.target}>`] : dialog.routes;
  return request({
    method,
    uri,
    from: dialog.local,
    to: dialog.remote,
    callId: dialog.callId,
    cseq,
    headers: [...routes.map((route) => ["route", route] as const), ...(extras.headers ?? [])],
    body: extras.body,
  });
}

/** The methods whose Contact moves the remote target. */
const refreshing = new Set(["INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY"]);

/** Takes a request of the far end into the dialog (§12.2.2). Throws ProtocolError 500 when it is out of order. */
export function dialogAfter(dialog: Dialog, received: SipRequest, flow: Flow): Dialog {
  const { number } = parseCSeq(header(received, "cseq") ?? "");
  if (dialog.remoteSeq !== undefined && number <= dialog.remoteSeq)
    throw new ProtocolError(500, `CSeq ${number} after ${dialog.remoteSeq}`);
  if (!refreshing.has(received.method)) return { ...dialog, remoteSeq: number };
  return { ...dialog, remoteSeq: number, target: contactOf(received) ?? dialog.target, flow };
}

/** What the first Contact points to. */
export function contactOf(message: SipMessage): string | undefined {
  const contacts = parseContactList(headers(message, "contact"));
  if (contacts === "*") throw new ProtocolError(400, 'Contact "*" outside REGISTER');
  return contacts[0] && targetOf(contacts[0].uri);
}

function routesOf(message: SipMessage): string[] {
  const routes = headers(message, "record-route").flatMap(splitList);
  for (const route of routes) parseUri(parseNameAddr(route).uri);
  return routes;
}

function isLooseRouter(route: string): boolean {
  return parseUri(parseNameAddr(route).uri).params.has("lr");
}
