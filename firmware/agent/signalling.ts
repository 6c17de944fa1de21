/**
 * The SIP side of an agent: registered, subscribed to its talkgroup and to the service of private calls, and answering the INVITEs
 * that follow. Only its own server is answered, and only for these two; anything else is refused.
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
  type Watcher,
} from "../sip/endpoint.ts";
import { parseNameAddr } from "../sip/header.ts";
import { header } from "../sip/message.ts";
import { aorOf, parseUri } from "../sip/uri.ts";
import { affiliation, affiliationInitial } from "./affiliation.ts";
import { openAnswering, type SessionHandlers } from "./answering.ts";
import { directService, openDirectService } from "./direct-service.ts";
import { type ChosenStatus, statusDocument } from "./status-document.ts";

/** As telephones ask. */
const replayKey = "1";

export interface SignallingOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly talkgroup: string;
  readonly server: Address;
  /** Where the voice of each line listens for RTP; SIP is spoken from the same host. */
  readonly local: { readonly talkgroup: Address; readonly direct: Address };
}

export interface SignallingHandlers {
  readonly talkgroup: SessionHandlers;
  readonly direct: SessionHandlers;
  /** The status that others are told of is the chosen one, or no more. */
  onStatusShown(shown: boolean): void;
}

export async function openSignalling(
  ports: { readonly clock: Clock; readonly random: Random; readonly network: Network; readonly log: Log },
  options: SignallingOptions,
  handlers: SignallingHandlers,
) {
  const { log, random } = ports;
  const { user, realm, talkgroup, server } = options;
  const aor = `sip:${user}@${realm}`;
  const group = `sip:${talkgroup}@${realm}`;
  const via = { transport: "udp", remote: server } as const;
  const credentials = { username: user, password: options.password };
  let registration: Registration | undefined;
  let watcher: Watcher | undefined;
  let registered = false;
  let left = Promise.resolve();
  let chosen: ChosenStatus | undefined;
  let publication: Publication | undefined;

  const endpoint = await openEndpoint(
    ports,
    { local: { host: options.local.talkgroup.host, port: 0 }, userAgent: "Roger", transports: ["udp"] },
    { onInvite, onSubscribe: (subscribe) => subscribe.respond(489), onRequest: (incoming) => incoming.respond(405) },
  );
  const answering = openAnswering(
    { random, local: options.local.talkgroup },
    {
      ...handlers.talkgroup,
      onConfirmed() {
        log.info({ event: "session", user, talkgroup }, "session stands");
        handlers.talkgroup.onConfirmed();
      },
      onEnded() {
        log.info({ user, talkgroup }, "session ended by the server");
        machine.send({ type: "ended" });
      },
    },
  );
  const direct = openDirectService(
    { ...ports, watch: endpoint.watch },
    {
      user,
      subscription: { method: "SUBSCRIBE", from: aor, via, credentials },
      uri: `sip:${directService}@${realm}`,
      local: options.local.direct,
    },
    handlers.direct,
  );
  const machine = run(affiliation, affiliationInitial, ports.clock, (effect) => {
    switch (effect.do) {
      case "register":
        return register();
      case "subscribe":
        subscribe();
        return direct.registered();
      case "leave":
        return leave(effect.why);
    }
  });
  /** By the caller that each line's server is. */
  const acceptors = new Map([
    [aorOf(parseUri(`sip:${directService}@${realm}`)), direct.accept],
    [aorOf(parseUri(group)), acceptTalkgroup],
  ]);
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
    answering.end(why);
    direct.unregistered();
    left = registration?.close() ?? left;
    void left.then(() => machine.send({ type: "left" }));
  }

  function acceptTalkgroup(invite: IncomingInvite): void {
    answering.accept(invite);
    machine.send({ type: "session" });
  }

  function onInvite(invite: IncomingInvite): void {
    const { remote } = invite.flow;
    const caller = aorOf(parseUri(parseNameAddr(header(invite.request, "from") ?? "").uri));
    const accept = acceptors.get(caller);
    if (remote.host !== server.host || remote.port !== server.port || !accept) return invite.respond(403);
    const { in: place } = machine.state();
    if (place === "leaving" || place === "closed") return invite.respond(480);
    accept(invite);
  }

  return {
    /** Nothing has come from the server for too long: everything begins anew. */
    lost: () => machine.send({ type: "lost" }),
    /** The same of the session for private calls, which alone begins anew. */
    directLost: direct.lost,
    /** Asks for the last burst of the talkgroup again: it is heard in its session. */
    replay: (): void => answering.key(replayKey),
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
