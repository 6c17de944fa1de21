/** What the parts of an endpoint share: its ports, its transaction table, and who minds which dialog. */
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Composed } from "./asking.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Answer, Flow, Handlers, OutgoingRequest, Transport } from "./contract.ts";
import { parseNameAddr, withTag } from "./header.ts";
import { header, ProtocolError, type SipRequest } from "./message.ts";
import { request } from "./serialize.ts";
import type { ServerTransaction, Transactions } from "./transactions.ts";
import { formatUri, isIpv4, isIpv6, parseHostPort, parseUri, targetOf } from "./uri.ts";

/** Minds the dialogs of one Call-ID and local tag. */
export interface DialogUser {
  /** Every request inside but ACK and CANCEL. Throws ProtocolError to refuse. */
  onRequest(transaction: ServerTransaction): void;
  onAck(ack: SipRequest): void;
  /** The endpoint closes: says good-bye as far as one message can. */
  leave(): void;
  /** Stops every timer. */
  stop(): void;
}

/** How the latest challenge of a server was answered, to answer it again unasked. */
export interface KnownChallenge {
  readonly challenges: readonly string[];
  readonly header: "authorization" | "proxy-authorization";
  nonceCount: number;
}

export interface Core {
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  readonly can: Capabilities;
  readonly onRefer: Handlers["onRefer"];
  /** "host:port" as peers should see it. */
  sentBy(transport: Transport): string;
  /** False once the connection of a flow is gone. */
  isOpen(flow: Flow): boolean;
  readonly transactions: Transactions;
  readonly dialogs: Map<string, DialogUser>;
  /** By user name and server. */
  readonly challenges: Map<string, KnownChallenge>;
}

export function dialogKey(callId: string, localTag: string): string {
  return `${callId}\n${localTag}`;
}

/**
 * This endpoint's Contact URI for the user of `party` (a URI or name-addr), as reached over `transport`; a sips URI over TLS where
 * it is said to one, a URI (RFC 3261 §8.1.1.8, §12.1.1).
 */
export function contactUri(core: Core, party: string, transport: Transport, saidTo?: string): string {
  const { uri } = parseNameAddr(party);
  const { user } = parseUri(uri);
  const isSips = transport === "tls" && /^sips:/i.test(saidTo ?? uri);
  return formatUri({
    scheme: isSips ? "sips" : "sip",
    user,
    password: undefined,
    ...parseHostPort(core.sentBy(transport)),
    params: new Map(transport === "udp" || isSips ? [] : [["transport", transport]]),
    headers: new Map(),
  });
}

/** Answers as the application asked, with this endpoint's Contact where it is wanted. */
export function respond(core: Core, transaction: ServerTransaction, status: number, answer: Answer = {}): void {
  const { headers: given = [], contact = false, ...parts } = answer;
  // RFC 3261 §21.4.6
  const untold = status === 405 && !given.some(([name]) => name === "allow");
  const headers = untold ? [core.can.allow, ...given] : given;
  if (!contact) return transaction.respond(status, { ...parts, headers });
  const { request, flow } = transaction;
  const uri = contactUri(core, header(request, "to") ?? "", flow.transport, request.uri);
  transaction.respond(status, { ...parts, headers: [["contact", `<${uri}>`], ...headers] });
}

/** Puts off a second offer, 0 to 10 s by chance (RFC 3261 §14.2, RFC 3311 §5.2). */
export function postpone(core: Core, transaction: ServerTransaction): void {
  transaction.respond(500, { headers: [["retry-after", `${Math.floor(core.random.fraction() * 11)}`]] });
}

/** What a request outside dialogs is numbered and tagged with. */
export interface Thread {
  readonly callId: string;
  readonly localTag: string;
}

export function newThread(core: Core): Thread {
  return { callId: core.random.token(12), localTag: core.random.token(8) };
}

const withContact = new Set(["INVITE", "SUBSCRIBE", "REFER", "REGISTER", "OPTIONS"]);

/** A request outside dialogs and the way it goes. Throws ProtocolError when a URI in it cannot be read or reached. */
export function composeOutside(core: Core, out: OutgoingRequest, thread: Thread, cseq: number): Composed {
  const flow = out.via ?? flowOf(out.uri);
  const own: [string, string][] = [["user-agent", core.userAgent]];
  const given = out.headers ?? [];
  if (withContact.has(out.method) && !given.some(([name]) => name === "contact"))
    own.push(["contact", `<${contactUri(core, bracketed(out.from), flow.transport, out.uri)}>`]);
  return {
    flow,
    request: request({
      method: out.method,
      uri: targetOf(out.uri),
      from: withTag(bracketed(out.from), thread.localTag),
      to: bracketed(out.to),
      callId: thread.callId,
      cseq,
      headers: [...own, ...given],
      body: out.body,
    }),
  };
}

/** Without brackets the parameters of a URI would become the header's (RFC 3261 §20.10). */
function bracketed(party: string): string {
  return party.includes("<") ? party : `<${party}>`;
}

/** Where a Request-URI points by itself. Throws ProtocolError 503 for a host that is no number: this room asks no resolver. */
function flowOf(uri: string): Flow {
  const { scheme, host, port, params } = parseUri(uri);
  if (!isIpv4(host) && !isIpv6(host)) throw new ProtocolError(503, `no numeric host in ${uri}`);
  const named = params.get("transport")?.toLowerCase();
  const transport = scheme === "sips" || named === "tls" ? "tls" : named === "tcp" ? "tcp" : "udp";
  return { transport, remote: { host, port: port ?? (transport === "tls" ? 5061 : 5060) } };
}
