/**
 * What the SIP endpoint and the rooms that use it agreed on: values and callbacks, no behaviour.
 * Other rooms import these from endpoint.ts.
 */
import type { Address, TlsIdentity } from "../../hal/network/port.ts";
import type { Headers, SipRequest, SipResponse } from "./message.ts";

export type Transport = "udp" | "tcp" | "tls";

/** Where a message came from, and the way back to it (RFC 3581, RFC 5626 flow); or where a peer is to be called. */
export interface Flow {
  readonly transport: Transport;
  readonly remote: Address;
  /** Which TCP or TLS connection, and no other: one that is gone is not dialled. Undefined over UDP, and for a peer to be called. */
  readonly connection?: number;
  /** Whom a peer that is called over TLS must prove to be; its address where absent. */
  readonly name?: string;
}

/** Sees every message as it is on the wire, before it is read or after it was sent. Costs what it does: call it plainly. */
export type Tap = (direction: "in" | "out", flow: Flow, data: Uint8Array) => void;

export interface Body {
  readonly type: string;
  readonly content: string;
}

/** A body, or its maker: asked when its turn to be sent comes, so that it is the latest, and that versions count what was sent. */
export type LateBody = Body | (() => Body) | undefined;

/** Extra parts of an outgoing message. */
export interface Extras {
  readonly headers?: Headers;
  readonly body?: Body;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A request outside any dialog, or one that opens a dialog. The endpoint adds Via, Call-ID, CSeq, Max-Forwards, From tag, Contact. */
export interface OutgoingRequest extends Extras {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  /** Logical parties as URIs (name-addr allowed). */
  readonly from: string;
  readonly to: string;
  /** Where to send it: a flow to reuse, or a peer to call. Absent: the Request-URI's own host and port. */
  readonly via?: Flow;
  /** Answers a 401/407 once (again on stale=true). */
  readonly credentials?: Credentials;
  /** Continue a series (REGISTER refreshes): same Call-ID, next CSeq. */
  readonly series?: { readonly callId: string; readonly cseq: number };
}

/** Extra parts of an answer. */
export interface Answer extends Extras {
  readonly reason?: string;
  /** Adds this endpoint's Contact. */
  readonly contact?: boolean;
  /**
   * No transaction is kept for it, so that a flood costs no memory (RFC 3261 §8.2.7): when the request is repeated later
   * than at once, the application hears it again. A final status, and not for INVITE, where it means nothing.
   */
  readonly stateless?: boolean;
}

/** A server transaction handed to the application. Each must be answered once with a final status. */
export interface Incoming {
  readonly request: SipRequest;
  readonly flow: Flow;
  respond(status: number, answer?: Answer): void;
}

/** One side of an INVITE session after it was offered or answered. Its end is told once. */
export interface Session {
  readonly callId: string;
  /** The far end is reached by this flow from now on, until it shows another one itself. */
  move(flow: Flow): void;
  /**
   * Asks the far end whether it knows the session still, by a request that changes nothing. `onVerdict` is called once, unless the
   * session ends before: false for one that knows nothing of it, or leaves it open.
   */
  probe(onVerdict: (known: boolean) => void): void;
  /** Tells the far end of a key by SIP INFO, as a telephone does: "0" to "9", "*", "#", "A" to "D". What it makes of that is not told. */
  press(key: string): void;
  /** Sends BYE (or CANCEL before the answer). `onEnd` is not called for one's own end. */
  end(reason?: string): void;
}

/** What the far end does inside a session, the same on both sides. */
export interface InsideHandlers {
  /**
   * The far end re-offers (re-INVITE or UPDATE): `reply` is called once, now or within 10 s, with the answer or a status to
   * refuse with; the session then goes on as it was (RFC 3261 §14.1). Later, or after the end, it does nothing. Default: 488.
   */
  onReoffer?(sdp: string, reply: (answer: Body | number) => void): void;
  /** A key pressed at the far end, told by SIP INFO: "0" to "9", "*", "#", "A" to "D". */
  onKey?(key: string): void;
}

export interface OfferHandlers extends InsideHandlers {
  /** A provisional answer, 101 to 199. */
  onProgress?(status: number): void;
  /** 2xx arrived (ACK is sent by the endpoint): the answer. */
  onAnswer(response: SipResponse): void;
  /** A final failure; 408 for no answer and 503 for no transport are made here. */
  onRefused(status: number, reason: string): void;
  /** The far end hung up, or the dialog died (481, 408 on a request inside it). */
  onEnd(): void;
}

export interface AnswerHandlers extends InsideHandlers {
  /** The ACK arrived: the session is confirmed. `answer`: what it brings where this side offered; undefined if that is nothing to be read. */
  onConfirmed(answer?: string): void;
  onEnd(): void;
}

/** An incoming INVITE that opens a dialog. Either accept or refuse it; a CANCEL ends it (487 is sent by the endpoint). */
export interface IncomingInvite extends Incoming {
  /** The session description it brings. Throws ProtocolError: 488 without one, 415 for another type, 406 when it may not be answered by one. */
  offer(): string;
  /** It brings none, and asks for one: `accept` offers, and the answer comes with the ACK (RFC 3261 §13.2.1). */
  readonly asksForOffer: boolean;
  /** Sends 200 with the answer, or the offer that is asked for, retransmits it until the ACK (§13.3.1.4), gives the session. */
  accept(description: Body, handlers: AnswerHandlers, extras?: Extras): Session;
  /** The caller gave up before the answer. */
  onCancel: () => void;
}

/** REFER (RFC 3515) to one target or to several (RFC 5368). Either accept it or respond with a refusal. */
export interface IncomingRefer extends Incoming {
  /** The Call-ID of the session that it came inside; undefined for one outside any. */
  readonly session: string | undefined;
  /** Whom Refer-To names, a URI without headers. Throws ProtocolError: 400 for a list, 416 another scheme, 403 for anything but a call to it. */
  target(): string;
  /** The text of the application/resource-lists+xml body that Refer-To names by cid; undefined where it names a target. */
  readonly list: string | undefined;
  /** Sends 202 and the first NOTIFY (100 Trying), which `Refer-Sub: false` forgoes (RFC 4488). */
  accept(): Referral;
}

/** What becomes of a REFER, as told to whoever sent it. */
export interface Referral {
  /** Sends NOTIFY with this status line; a final one (200 or more) is the last. Does nothing once nobody listens. */
  progress(status: number, reason: string): void;
}

/** The notifier's side of a subscription (RFC 6665). */
export interface Notifier {
  /**
   * Sends NOTIFY with the full state. While one is unanswered only the latest is kept. `terminated` (a reason of
   * RFC 6665 §4.1.3: "noresource", "deactivated", …) ends the subscription; `onEnd` is then not called.
   */
  notify(body: LateBody, state?: { readonly terminated: string }): void;
}

export interface NotifierHandlers {
  /** The watcher refreshed, by this flow: a full-state NOTIFY is due. */
  onRefresh(flow: Flow): void;
  /** Expired, unsubscribed (a last NOTIFY is sent by the endpoint with `lastBody()`), or the watcher is gone (481, timeout). */
  onEnd(): void;
  lastBody?(): Body | undefined;
}

export interface IncomingSubscribe extends Incoming {
  /** From the Event header: package and parameters. */
  readonly event: string;
  /** Seconds asked for (0: a poll or an unsubscribe). */
  readonly expires: number | undefined;
  /** Sends 200 with `expires` seconds granted; `headers` go into it, and into every later 200 and NOTIFY. The caller must `notify` at once. */
  accept(expires: number, handlers: NotifierHandlers, headers?: Headers): Notifier;
}

/** The watcher's side: subscribes, refreshes before expiry, answers NOTIFY, tries again after failures with back-off. */
export interface Watcher {
  /** Unsubscribes and forgets. */
  close(): void;
}

export interface WatcherHandlers {
  /** A NOTIFY with a body. A ProtocolError thrown here is the answer to it. */
  onNotify(body: Uint8Array, request: SipRequest): void;
  /** Accepted (each time), or failed with a status; a failure is retried until closed, unless it is 403, 404 or 489. */
  onState(state: { readonly active: true } | { readonly active: false; readonly status: number }): void;
}

/** Keeps one address-of-record registered (RFC 3261 §10): refreshes at 80 % of the granted time, back-off after failures (RFC 5626 §4.5). */
export interface Registration {
  /** Removes the binding (waits at most 1 s for the answer). */
  close(): Promise<void>;
}

export interface RegistrationOptions {
  /** Address of record, "sip:alice@example.org". */
  readonly aor: string;
  readonly registrar: Flow;
  readonly credentials: Credentials;
  /** Seconds; default 300. */
  readonly expires?: number;
  onState(state: { readonly registered: true } | { readonly registered: false; readonly status: number }): void;
}

export interface Handlers {
  onInvite(invite: IncomingInvite): void;
  onSubscribe(subscribe: IncomingSubscribe): void;
  /** Outside dialogs and inside sessions. Absent: 405. */
  onRefer?(refer: IncomingRefer): void;
  /** Every other out-of-dialog request (REGISTER, PUBLISH, MESSAGE, …). OPTIONS is answered by the endpoint. */
  onRequest(incoming: Incoming): void;
  /** A connection that requests came by is gone. */
  onClosed?(flow: Flow): void;
}

export interface EndpointOptions {
  /** The address to bind, UDP and TCP alike. Port 0 lets the system choose. */
  readonly local: Address;
  /** What peers are told in Via and Contact, where it differs from `local` (a wildcard address, NAT). Port 0: the bound port. TLS has its own. */
  readonly advertised?: Address;
  readonly userAgent: string;
  /** Default: both. */
  readonly transports?: readonly ("udp" | "tcp")[];
  /** TLS beside them, on a port of its own. Absent: none is spoken. */
  readonly tls?: TlsOptions;
  /** Methods that `onRequest` takes: "REGISTER". Peers are told in Allow. Default: none. */
  readonly methods?: readonly string[];
  /** Option tags that the handlers understand in Require; any other is refused with 420. Default: none. */
  readonly supported?: readonly string[];
}

export interface TlsOptions {
  /** Port 0 lets the system choose. */
  readonly port: number;
  readonly identity: TlsIdentity;
  /** Who may sign for peers, PEM; absent: the authorities that browsers trust. */
  readonly authorities?: string;
  /** Those who connect are asked for a certificate (`isFor`), and taken without one as well. */
  readonly asksCallers?: boolean;
}

export interface Endpoint {
  /** The address it is bound to. */
  readonly local: Address;
  /** The address that it speaks TLS on. */
  readonly secure?: Address;
  /** Sends a request outside dialogs; `onFinal` is called once. */
  request(out: OutgoingRequest, onFinal: (response: SipResponse) => void): void;
  /** Sends an INVITE with an SDP offer. */
  invite(out: OutgoingRequest, handlers: OfferHandlers): Session;
  watch(
    out: OutgoingRequest & { readonly event: string; readonly expires?: number },
    handlers: WatcherHandlers,
  ): Watcher;
  register(options: RegistrationOptions): Registration;
  /** Whether the peer that opened a connection has shown a certificate for this domain or numeric host; false where it was asked for none. */
  isFor(flow: Flow, name: string): boolean;
  publish(options: PublicationOptions): Publication;
  /** What was dropped and why, as running counts: malformed, oversize, unmatched, tooMany… */
  readonly dropped: Readonly<Record<string, number>>;
  /** How much of each it holds just now: dialogs, and transactions as the one who asks or answers. */
  held(): { readonly dialogs: number; readonly client: number; readonly server: number };
  close(): Promise<void>;
}

/** Keeps one document published (RFC 3903): refreshes it at 80 % of the granted time, publishes it anew where it was forgotten, back-off after failures. */
export interface Publication {
  /** Takes it back (waits at most 1 s for the answer). */
  close(): Promise<void>;
}

export interface PublicationOptions {
  /** Of whom it tells: an address of record. */
  readonly aor: string;
  readonly server: Flow;
  readonly credentials: Credentials;
  /** The event package: "presence". */
  readonly event: string;
  readonly body: Body;
  /** Seconds; default 300. */
  readonly expires?: number;
  onState(state: { readonly published: true } | { readonly published: false; readonly status: number }): void;
}
