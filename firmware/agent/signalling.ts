/**
 * The SIP side of an agent: registered, subscribed to its talkgroup, and answering the INVITE that follows.
 * Only its own server is answered, and only with Opus and floor control; anything else is refused.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import {
  type IncomingInvite,
  openEndpoint,
  type Publication,
  type Registration,
  type Session,
  type Watcher,
} from "../sip/endpoint.ts";
import { parseNameAddr } from "../sip/header.ts";
import { header, ProtocolError } from "../sip/message.ts";
import { type Agreement, answerOffer } from "../sip/negotiation.ts";
import { aorOf, parseUri } from "../sip/uri.ts";
import { affiliation, affiliationInitial } from "./affiliation.ts";
import { type ChosenStatus, statusDocument } from "./status-document.ts";

export interface SignallingOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly talkgroup: string;
  readonly server: Address;
  /** Where the voice listens for RTP; SIP is spoken from the same host. */
  readonly local: Address;
}

export interface SignallingHandlers {
  /** A session begins; one before it is over. */
  onSession(agreement: Agreement): void;
  /** The server has confirmed it. */
  onConfirmed(): void;
  onSessionEnd(): void;
  /** The status that others are told of is the chosen one, or no more. */
  onStatusShown(shown: boolean): void;
}

export async function openSignalling(
  ports: { readonly clock: Clock; readonly random: Random; readonly network: Network; readonly log: Log },
  options: SignallingOptions,
  handlers: SignallingHandlers,
) {
  const { log } = ports;
  const { user, realm, talkgroup, server } = options;
  const aor = `sip:${user}@${realm}`;
  const group = `sip:${talkgroup}@${realm}`;
  const via = { transport: "udp", remote: server } as const;
  const credentials = { username: user, password: options.password };
  let registration: Registration | undefined;
  let watcher: Watcher | undefined;
  let session: Session | undefined;
  let registered = false;
  let left = Promise.resolve();
  let chosen: ChosenStatus | undefined;
  let publication: Publication | undefined;

  const endpoint = await openEndpoint(
    ports,
    { local: { host: options.local.host, port: 0 }, userAgent: "Roger", transports: ["udp"] },
    { onInvite, onSubscribe: (subscribe) => subscribe.respond(489), onRequest: (incoming) => incoming.respond(405) },
  );
  const machine = run(affiliation, affiliationInitial, ports.clock, (effect) => {
    switch (effect.do) {
      case "register":
        return register();
      case "subscribe":
        return subscribe();
      case "leave":
        return leave(effect.why);
    }
  });
  machine.send({ type: "start" });

  function register(): void {
    registration = endpoint.register({
      aor,
      registrar: via,
      credentials,
      onState(state) {
        if (!state.registered) log.warn({ user, status: state.status }, "not registered");
        else if (!registered) log.info({ user }, "registered");
        registered = state.registered;
        if (!registered) return;
        machine.send({ type: "registered" });
        say();
      },
    });
  }

  function subscribe(): void {
    watcher ??= endpoint.watch(
      { method: "SUBSCRIBE", uri: group, from: aor, to: group, via, credentials, event: "conference" },
      {
        onNotify() {},
        onState(state) {
          if (!state.active) log.warn({ user, talkgroup, status: state.status }, "not subscribed");
        },
      },
    );
  }

  /** Says what is chosen, unless that is said already: it makes nobody be there, so that it waits for the registration. */
  function say(): void {
    if (chosen === undefined || publication || !registered) return;
    publication = endpoint.publish({
      ...{ aor, server: via, credentials, event: "presence", body: statusDocument(aor, chosen) },
      onState(state) {
        if (!state.published) log.warn({ user, status: state.status }, "the status is not published");
        handlers.onStatusShown(state.published);
      },
    });
  }

  function unsay(): void {
    if (!publication) return;
    void publication.close();
    publication = undefined;
    handlers.onStatusShown(false);
  }

  function leave(why: string): void {
    log.info({ user, talkgroup, why }, "leaving the talkgroup");
    // The server may know nothing of it any more.
    unsay();
    watcher?.close();
    watcher = undefined;
    registered = false;
    const standing = session;
    session = undefined;
    if (standing) {
      standing.end(why);
      handlers.onSessionEnd();
    }
    left = registration?.close() ?? left;
    void left.then(() => machine.send({ type: "left" }));
  }

  function onInvite(invite: IncomingInvite): void {
    const { remote } = invite.flow;
    const caller = aorOf(parseUri(parseNameAddr(header(invite.request, "from") ?? "").uri));
    if (remote.host !== server.host || remote.port !== server.port || caller !== aorOf(parseUri(group)))
      return invite.respond(403);
    const { in: place } = machine.state();
    if (place === "leaving" || place === "closed") return invite.respond(480);

    const { agreement, answer } = agree(invite.offer());
    // A newer session replaces an older one: the server has given that up.
    session?.end("replaced");
    session = invite.accept(
      { type: "application/sdp", content: answer },
      {
        onConfirmed() {
          log.info({ event: "session", user, talkgroup }, "session stands");
          handlers.onConfirmed();
        },
        onEnd() {
          session = undefined;
          log.info({ user, talkgroup }, "session ended by the server");
          handlers.onSessionEnd();
          machine.send({ type: "ended" });
        },
      },
    );
    machine.send({ type: "session" });
    handlers.onSession(agreement);
  }

  /** The voice speaks Opus alone, and a press is a floor message: without either a session would be ready for nothing. */
  function agree(offer: string): { agreement: Agreement; answer: string } {
    // RFC 8866 §5.2: digits only.
    const sessionId = `${Math.floor(ports.random.fraction() * 2 ** 48)}`;
    const agreed = answerOffer(offer, options.local, sessionId);
    if (agreed.agreement.codec !== "opus") throw new ProtocolError(488, "an offer without opus/48000");
    if (!agreed.agreement.floor) throw new ProtocolError(488, "an offer without floor control (m=application … MCPTT)");
    return agreed;
  }

  return {
    /** Nothing has come from the server for too long: everything begins anew. */
    lost: () => machine.send({ type: "lost" }),
    /** What others are told of the user; undefined: what the server makes of the rest. */
    choose(status: ChosenStatus | undefined): void {
      if (status === chosen) return;
      log.info({ user, status }, "status chosen");
      chosen = status;
      unsay();
      say();
    },
    async close(): Promise<void> {
      machine.send({ type: "close" });
      await left;
      await endpoint.close();
    },
  };
}
