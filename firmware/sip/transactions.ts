/**
 * The transaction table (RFC 3261 §17): finds the transaction that a message belongs to, runs its machine, and bounds
 * how many there are. What reaches the user of the table is new: retransmissions end here. Knows no dialogs.
 */
import { hash } from "node:crypto";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Drops } from "../drops.ts";
import { type Running, run } from "../machine.ts";
import { answers } from "./answers.ts";
import type { Answer, Flow } from "./contract.ts";
import { copied } from "./copied.ts";
import { parseCSeq, parseVia, splitList, type Via } from "./header.ts";
import { latest } from "./latest.ts";
import { type Headers, header, headers, type SipRequest, type SipResponse } from "./message.ts";
import { type ResponseParts, responseTo, serialize } from "./serialize.ts";
import { type ClientEffect, type ClientEvent, patience, type ServerEffect, type ServerEvent } from "./transaction.ts";
import { inviteClient } from "./transaction-invite-client.ts";
import { inviteServer } from "./transaction-invite-server.ts";
import { ackOf, cancelOf, clientKey, cookie, serverKey } from "./transaction-match.ts";
import { nonInviteClient } from "./transaction-non-invite-client.ts";
import { nonInviteServer } from "./transaction-non-invite-server.ts";
import type { Wire } from "./wire.ts";

export interface ClientTransaction {
  /** As it was sent, with its Via. */
  readonly request: SipRequest;
  /** Sends CANCEL for it (§9.1). The caller waits for a provisional answer first. */
  cancel(): void;
  /** Forgets it: no answer is passed any more. */
  abandon(): void;
}

export interface ServerTransaction {
  readonly request: SipRequest;
  /** Where the request came from. */
  readonly flow: Flow;
  /** The tag that its answers put into To. */
  readonly tag: string;
  /** A final status was sent. */
  answered(): boolean;
  /** Ignored after a final status. */
  respond(status: number, parts?: ResponseParts & Pick<Answer, "stateless">): void;
  /** Sends the 2xx to an INVITE once more (§13.3.1.4). */
  repeat(): void;
  /** The client gave up; not called after a final status. The user then answers with 487. */
  onCancel: () => void;
}

export interface TransactionUser {
  /** Every request but ACK and CANCEL, once. */
  onRequest(transaction: ServerTransaction): void;
  /** An ACK for a 2xx. */
  onAck(ack: SipRequest): void;
}

export interface Transactions {
  /** `onResponse` gets every answer; 408 and 503 are made here when none comes. */
  request(request: SipRequest, to: Flow, onResponse: (response: SipResponse) => void): ClientTransaction;
  /** Sends an ACK for a 2xx: no transaction, a Via of its own (§13.2.2.4). */
  acknowledge(ack: SipRequest, to: Flow): void;
  receiveRequest(request: SipRequest, via: Via, flow: Flow): void;
  receiveResponse(response: SipResponse): void;
  /** How many there are. */
  sizes(): { readonly client: number; readonly server: number };
  close(): void;
}

export interface TransactionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly wire: Wire;
  readonly drops: Drops;
  /** Goes into every response that a user makes. */
  readonly server: string;
}

/** Requests nobody has answered yet; a further one gets 503. */
const maxUnanswered = 4_096;
/** Answered INVITEs, until their ACK is there; beyond this the oldest is forgotten before its time. */
const maxAnswered = 8_192;
/**
 * Answers to the rest are kept to absorb retransmissions. At 250 requests a second none is overwritten before its time, at 5,000 after
 * 1.6 s, when a client has repeated what it sent twice.
 */
const mostKept = { most: 8_192, bytes: 6 * 1024 ** 2 } as const;
/**
 * Of stateless answers the latest are given again as they were: some clients take a challenge with another nonce for a refusal.
 * What cannot be served in time is repeated after T1, and there is one of these for each that waits so long. They have a place of their own:
 * anybody gets one, and nobody is to lose what a proved request was answered.
 */
const mostGiven = { most: 4_096, bytes: 3 * 1024 ** 2 } as const;
/** A larger request prefers a connection where there is one (§18.1.1), bytes. */
const largeRequest = 1_300;
const retryAfterSeconds = 5;
/** What strangers get a 2xx for, too. */
const forAnybody = new Set(["OPTIONS", "CANCEL"]);

/** A machine has no state of its own: one serves all transactions. */
const inviteOverConnections = inviteServer(true);
const inviteOverDatagrams = inviteServer(false);

interface Client {
  readonly machine: Running<unknown, ClientEvent>;
}

type ServerMachine = Running<{ readonly in: string }, ServerEvent>;

interface Server extends ServerTransaction {
  /** Starts when it is first needed: what is answered at once and forgotten does without. */
  machine(): ServerMachine;
}

export function openTransactions(ports: TransactionPorts, user: TransactionUser): Transactions {
  const { clock, random, wire, drops } = ports;
  const clients = new Map<string, Client>();
  const unanswered = new Map<string, Server>();
  /** INVITEs. By then the request is let go: a machine has the bytes of its answer, and the way back. */
  const answered = latest<ServerMachine>(maxAnswered);
  const kept = answers({ clock, lifeMs: patience, ...mostKept });
  const given = answers({ clock, lifeMs: patience, ...mostGiven });
  /** Of tags that are the same for a repeated request, and no one else's. */
  const secret = random.token(16);

  function viaFor(flow: Flow, branch: string): string {
    return `SIP/2.0/${flow.transport.toUpperCase()} ${wire.sentBy(flow.transport)};rport;branch=${branch}`;
  }

  /** §18.1.1: a large request goes over a connection, but only if the peer was reached by one. */
  function pack(bare: SipRequest, to: Flow, branch: string): { sent: SipRequest; data: Uint8Array; flow: Flow } {
    const sent = withVia(bare, viaFor(to, branch));
    const data = serialize(sent);
    const stream = to.transport === "udp" && data.length > largeRequest ? wire.dialled(to.remote) : undefined;
    return stream ? pack(bare, stream, branch) : { sent, data, flow: to };
  }

  function start(bare: SipRequest, to: Flow, branch: string, onResponse: (response: SipResponse) => void) {
    const { sent, data, flow } = pack(bare, to, branch);
    const key = clientKey(branch, sent.method);
    const reliable = flow.transport !== "udp";
    const onError = () => machine.send({ type: "transport-error" });

    function perform(effect: ClientEffect): void {
      switch (effect.do) {
        case "send":
          return wire.send(data, flow, onError);
        case "acknowledge":
          return wire.send(serialize(ackOf(sent, effect.response)), flow, onError);
        case "pass":
          return onResponse(effect.response);
        case "fail":
          return onResponse(responseTo(sent, effect.status));
        case "forget":
          return abandon();
      }
    }

    function abandon(): void {
      machine.close();
      clients.delete(key);
    }

    const machine: Running<unknown, ClientEvent> =
      sent.method === "INVITE"
        ? run(inviteClient(reliable), { in: "initial" }, clock, perform)
        : run(nonInviteClient(reliable), { in: "initial" }, clock, perform);
    clients.set(key, { machine });
    machine.send({ type: "start" });
    return { request: sent, flow, abandon, cancelled: () => machine.send({ type: "cancelled" }) };
  }

  function request(bare: SipRequest, to: Flow, onResponse: (response: SipResponse) => void): ClientTransaction {
    const branch = cookie + random.token(8);
    const { request: sent, flow, abandon, cancelled } = start(bare, to, branch, onResponse);
    return {
      request: sent,
      abandon,
      cancel() {
        start(cancelOf(sent), flow, branch, () => {});
        cancelled();
      },
    };
  }

  function receiveResponse(response: SipResponse): void {
    const [top = "", ...others] = headers(response, "via").flatMap(splitList);
    // §8.1.3.3: one that still has the Via of another is not for this endpoint.
    if (others.length > 0) return drops.count("misrouted", { status: response.status });
    const via = parseVia(top);
    const { method } = parseCSeq(header(response, "cseq") ?? "");
    const client = clients.get(clientKey(via.params.get("branch") ?? "", method));
    if (client === undefined) return drops.count("unmatched", { status: response.status, method });
    client.machine.send({ type: "response", response });
  }

  function find(key: string): ServerMachine | undefined {
    return unanswered.get(key)?.machine() ?? answered.get(key);
  }

  function receiveRequest(request: SipRequest, via: Via, flow: Flow): void {
    const written = serverKey(request, via, request.method === "ACK" ? "INVITE" : request.method);
    const known = find(written);
    if (request.method === "ACK") {
      // A peer that gives the ACK of a 2xx the branch of its INVITE means the dialog all the same.
      if (known === undefined || known.state().in === "accepted") return user.onAck(request);
      return known.send({ type: "ack" });
    }
    if (known !== undefined) return known.send({ type: "request" });
    const before = kept.find(written) ?? given.find(written);
    if (before !== undefined) return wire.send(before, wire.wayBack(via, flow), () => {});
    if (unanswered.size >= maxUnanswered) return refuse(request, via, flow);
    const key = copied(written);
    const server = admit(key, request, via, flow);
    if (request.method === "CANCEL") return cancel(server, serverKey(request, via, "INVITE"));
    user.onRequest(server);
    if (!server.answered()) wait(key, server);
  }

  /** Most are answered by now, and never come here. */
  function wait(key: string, server: Server): void {
    unanswered.set(key, server);
    server.machine();
  }

  function refuse(request: SipRequest, via: Via, flow: Flow): void {
    drops.count("tooMany", { method: request.method });
    wire.refuse(request, via, flow, 503, [["retry-after", `${retryAfterSeconds}`]]);
  }

  /** §9.2 */
  function cancel(cancelling: ServerTransaction, invite: string): void {
    cancelling.respond(find(invite) === undefined ? 481 : 200);
    unanswered.get(invite)?.onCancel();
  }

  /** Holds nothing of the request: it may have to last for long after that. */
  function startServer(key: string, isInvite: boolean, reliable: boolean, way: () => Flow, trying: () => Uint8Array) {
    const onError = () => machine.send({ type: "transport-error" });

    function perform(effect: ServerEffect): void {
      switch (effect.do) {
        case "send":
          return wire.send(effect.data, way(), onError);
        case "trying":
          return machine.send({ type: "respond", status: 100, data: trying() });
        case "forget":
          machine.close();
          unanswered.delete(key);
          answered.delete(key);
      }
    }

    const machine: ServerMachine = isInvite
      ? run(reliable ? inviteOverConnections : inviteOverDatagrams, { in: "initial" }, clock, perform)
      : run(nonInviteServer, { in: "initial" }, clock, perform);
    machine.send({ type: "start" });
    return machine;
  }

  function admit(key: string, request: SipRequest, via: Via, flow: Flow): Server {
    const isInvite = request.method === "INVITE";
    const way = flow.connection === undefined ? always(wire.wayBack(via, flow)) : () => wire.wayBack(via, flow);
    const trying = isInvite ? () => serialize(responseTo(request, 100)) : never;
    let machine: ServerMachine | undefined;
    let final: { status: number; data: Uint8Array } | undefined;

    const server: Server = {
      request,
      flow,
      machine() {
        machine ??= startServer(key, isInvite, flow.transport !== "udp", way, trying);
        return machine;
      },
      // Made even where it is not used: an accessor would give each of these objects a hidden class of its own, which the
      // collector finds late, with all that it holds.
      tag: random.token(8),
      answered: () => final !== undefined,
      respond(status, { stateless = false, ...parts } = {}) {
        if (final !== undefined) return;
        const isForgotten = stateless && !isInvite;
        const own: Headers = [["server", ports.server]];
        const response = responseTo(request, status, {
          ...parts,
          toTag: isForgotten ? tagFor(key) : server.tag,
          headers: [...own, ...(parts.headers ?? [])],
        });
        const data = new Uint8Array(serialize(response));
        if (status >= 200 && status < 300 && !forAnybody.has(request.method)) wire.vouch(flow);
        if (status >= 200 && !isInvite) return answer(data, status, isForgotten);
        if (status >= 200) {
          final = { status, data };
          unanswered.delete(key);
          if (server.machine().state().in !== "terminated") answered.add(key, server.machine())?.close();
        }
        server.machine().send({ type: "respond", status, data });
      },
      repeat() {
        if (final !== undefined) server.machine().send({ type: "respond", ...final });
      },
      onCancel() {},
    };
    return server;

    /** §17.2.2: what is left of the transaction is its answer. Over a connection nothing is repeated. */
    function answer(data: Uint8Array, status: number, isForgotten: boolean): void {
      final = { status, data };
      unanswered.delete(key);
      if (flow.transport === "udp") (isForgotten ? given : kept).keep(key, data);
      if (machine) return machine.send({ type: "respond", status, data });
      wire.send(data, way(), () => {});
    }
  }

  /** §8.2.7, §19.3 */
  function tagFor(key: string): string {
    return hash("sha256", `${secret} ${key}`).slice(0, 16);
  }

  return {
    request,
    acknowledge(ack, to) {
      const { data, flow } = pack(ack, to, cookie + random.token(8));
      wire.send(data, flow, () => {});
    },
    receiveRequest,
    receiveResponse,
    sizes: () => ({ client: clients.size, server: unanswered.size + answered.size() + kept.size() }),
    close() {
      for (const { machine } of clients.values()) machine.close();
      for (const { machine } of unanswered.values()) machine().close();
      for (const machine of answered.values()) machine.close();
      for (const table of [clients, unanswered, answered, kept, given]) table.clear();
    },
  };
}

function withVia(request: SipRequest, via: string): SipRequest {
  return { ...request, headers: [["via", via], ...request.headers] };
}

/** Made here, where nothing of a request can be kept by it. */
function always(flow: Flow): () => Flow {
  return () => flow;
}

function never(): never {
  throw new Error("only an INVITE is answered with 100 by its transaction");
}
