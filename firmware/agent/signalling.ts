/**
 * The SIP side of an agent: registered, subscribed to its talkgroup, and answering the INVITE that follows.
 * Only its own server is answered; anything else is refused.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address, Network } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import { type IncomingInvite, openEndpoint, type Registration, type Watcher } from "../sip/endpoint.ts";
import { parseNameAddr } from "../sip/header.ts";
import { header } from "../sip/message.ts";
import { aorOf, parseUri } from "../sip/uri.ts";
import { affiliation, affiliationInitial } from "./affiliation.ts";
import { openAnswering, type SessionHandlers } from "./answering.ts";

export interface SignallingOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly talkgroup: string;
  readonly server: Address;
  /** Where the voice listens for RTP; SIP is spoken from the same host. */
  readonly local: Address;
}

export async function openSignalling(
  ports: { readonly clock: Clock; readonly random: Random; readonly network: Network; readonly log: Log },
  options: SignallingOptions,
  line: SessionHandlers,
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

  const endpoint = await openEndpoint(
    ports,
    { local: { host: options.local.host, port: 0 }, userAgent: "Roger", transports: ["udp"] },
    { onInvite, onSubscribe: (subscribe) => subscribe.respond(489), onRequest: (incoming) => incoming.respond(405) },
  );
  const answering = openAnswering(
    { random, local: options.local },
    {
      ...line,
      onConfirmed() {
        log.info({ event: "session", user, talkgroup }, "session stands");
        line.onConfirmed();
      },
      onEnded() {
        log.info({ user, talkgroup }, "session ended by the server");
        machine.send({ type: "ended" });
      },
    },
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
        if (registered) machine.send({ type: "registered" });
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

  function leave(why: string): void {
    log.info({ user, talkgroup, why }, "leaving the talkgroup");
    watcher?.close();
    watcher = undefined;
    registered = false;
    answering.end(why);
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
    answering.accept(invite);
    machine.send({ type: "session" });
  }

  return {
    /** Nothing has come from the server for too long: everything begins anew. */
    lost: () => machine.send({ type: "lost" }),
    async close(): Promise<void> {
      machine.send({ type: "close" });
      await left;
      await endpoint.close();
    },
  };
}
