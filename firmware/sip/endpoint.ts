/**
 * The door of the SIP room: one endpoint speaks SIP on one local address over UDP, TCP and TLS.
 * It decides what RFC 3261 leaves to no application: transactions, dialogs, retransmission, matching, digest answers
 * to challenges. It knows no accounts, no talkgroups and no audio; it asks nobody who may do what.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { countDrops } from "../drops.ts";
import type { Log } from "../log.ts";
import { ask } from "./asking.ts";
import { receiveInvite } from "./called.ts";
import { call } from "./calling.ts";
import { capabilitiesOf } from "./capabilities.ts";
import type { Endpoint, EndpointOptions, Handlers, OutgoingRequest, Publication, Tap } from "./contract.ts";
import { type Core, composeOutside, type DialogUser, dialogKey, newThread, respond } from "./core.ts";
import { splitList, tagOf } from "./header.ts";
import { header, headers, methods, ProtocolError, type SipRequest, type SipResponse } from "./message.ts";
import { receiveSubscribe } from "./notifier.ts";
import { publish } from "./publication.ts";
import { receiveRefer } from "./referring.ts";
import { type MindedRegistration, register } from "./registration.ts";
import { extrasOf } from "./session.ts";
import { openTransactions, type ServerTransaction } from "./transactions.ts";
import { parseTarget } from "./uri.ts";
import { type MindedWatcher, watch } from "./watcher.ts";
import { openWire } from "./wire.ts";

export type * from "./contract.ts";

export interface EndpointPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly log: Log;
  readonly tap?: Tap;
}

/** Methods that mean nothing outside a dialog: 481. */
const insideOnly = new Set(["BYE", "UPDATE", "PRACK", "INFO", "NOTIFY"]);

/** Binds the local address on every transport and starts to answer. Rejects with DeviceError when it cannot be bound. */
export async function openEndpoint(
  ports: EndpointPorts,
  options: EndpointOptions,
  handlers: Handlers,
): Promise<Endpoint> {
  const { clock, random, network, log } = ports;
  const { userAgent } = options;
  const drops = countDrops(log, "SIP traffic");
  const can = capabilitiesOf(options, handlers);
  const registrations = new Set<MindedRegistration>();
  const publications = new Set<Publication>();
  const watchers = new Set<MindedWatcher>();

  const wire = await openWire({ clock, network, random, drops, ...(ports.tap && { tap: ports.tap }) }, options, {
    onRequest: (request, via, flow) => guard(() => transactions.receiveRequest(request, via, flow)),
    onResponse: (response) => guard(() => transactions.receiveResponse(response)),
    onClosed(flow) {
      registrations.forEach((registration) => registration.onClosed(flow));
      handlers.onClosed?.(flow);
    },
  });
  const transactions = openTransactions({ clock, random, wire, drops, server: userAgent }, { onRequest, onAck });
  const core: Core = {
    clock,
    random,
    userAgent,
    can,
    onRefer: handlers.onRefer?.bind(handlers),
    sentBy: wire.sentBy,
    isOpen: wire.isOpen,
    transactions,
    dialogs: new Map(),
    challenges: new Map(),
  };
  wire.start();

  /** What a peer sent may be wrong in ways that only its reader notices. */
  function guard(receive: () => void): void {
    try {
      receive();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drops.count("malformed", { reason: error.message });
    }
  }

  function onRequest(transaction: ServerTransaction): void {
    try {
      dispatch(transaction);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      transaction.respond(error.status, extrasOf(error));
    }
  }

  function dispatch(transaction: ServerTransaction): void {
    const { request } = transaction;
    if (!methods.has(request.method)) return transaction.respond(501, { headers: [can.allow] });
    // RFC 3261 §8.2.2.3
    const required = headers(request, "require");
    const unsupported = required.flatMap(splitList).filter((tag) => !can.understands(tag, request.method));
    if (unsupported.length > 0) return transaction.respond(420, { headers: [["unsupported", unsupported.join(", ")]] });
    const user = dialogUser(request);
    if (user !== undefined) return user.onRequest(transaction);
    if (insideOnly.has(request.method) || tagOf(header(request, "to") ?? "") !== undefined)
      return transaction.respond(481);
    parseTarget(request.uri);
    switch (request.method) {
      case "INVITE":
        return receiveInvite(core, transaction, handlers.onInvite);
      case "SUBSCRIBE":
        return receiveSubscribe(core, transaction, handlers.onSubscribe);
      case "OPTIONS":
        return transaction.respond(200, { headers: [can.allow, can.accept, can.supported] });
      case "REFER":
        return receiveRefer(core, transaction);
      default:
        return handlers.onRequest({
          request,
          flow: transaction.flow,
          respond: (status, extras) => respond(core, transaction, status, extras),
        });
    }
  }

  function dialogUser(request: SipRequest): DialogUser | undefined {
    const tag = tagOf(header(request, "to") ?? "");
    return tag === undefined ? undefined : core.dialogs.get(dialogKey(header(request, "call-id") ?? "", tag));
  }

  function onAck(ack: SipRequest): void {
    const user = dialogUser(ack);
    if (user === undefined) return drops.count("unmatched", { method: "ACK" });
    user.onAck(ack);
  }

  function request(out: OutgoingRequest, onFinal: (response: SipResponse) => void): void {
    const thread = newThread(core);
    const { callId = thread.callId, cseq: first = 1 } = out.series ?? {};
    let cseq = first;
    ask(core, {
      credentials: out.credentials,
      compose: () => composeOutside(core, out, { ...thread, callId }, cseq++),
      onResponse: (response) => {
        if (response.status >= 200) onFinal(response);
      },
    });
  }

  async function close(): Promise<void> {
    [...core.dialogs.values()].forEach((user) => user.leave());
    [...watchers].forEach((watcher) => watcher.close());
    await Promise.all([...publications, ...registrations].map((kept) => kept.close()));
    [...core.dialogs.values()].forEach((user) => user.stop());
    [...watchers].forEach((watcher) => watcher.stop());
    transactions.close();
    await wire.close();
  }

  let closing: Promise<void> | undefined;
  return {
    local: wire.local,
    ...(wire.secure && { secure: wire.secure }),
    isFor: wire.isFor,
    dropped: drops.counts,
    held: () => ({ dialogs: core.dialogs.size, ...transactions.sizes() }),
    request,
    invite: (out, offerHandlers) => call(core, out, offerHandlers),
    watch(out, watcherHandlers) {
      const watcher = watch(core, out, watcherHandlers, () => watchers.delete(watcher));
      watchers.add(watcher);
      return watcher;
    },
    register(registrationOptions) {
      const registration = register(core, registrationOptions, () => registrations.delete(registration));
      registrations.add(registration);
      return registration;
    },
    publish(publicationOptions) {
      const publication = publish(core, publicationOptions, () => publications.delete(publication));
      publications.add(publication);
      return publication;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}
