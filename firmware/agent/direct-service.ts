/**
 * Performs what the reach machine decides: the subscription to the service "direct", or to a talkgroup that is only listened to, and
 * the session that comes of it.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Address } from "../../hal/network/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import type { IncomingInvite, OutgoingRequest, Watcher, WatcherHandlers } from "../sip/endpoint.ts";
import { openAnswering, type SessionHandlers } from "./answering.ts";
import { reach, reachInitial } from "./reach.ts";

/** The user part of its URI, and the From of its INVITEs. */
export const directService = "direct";

/** What is said of it in the log. */
export interface ServiceWords {
  readonly stands: string;
  readonly refused: string;
  readonly left: string;
}

export const directWords: ServiceWords = {
  stands: "private calls can come",
  refused: "not subscribed: no private call can come",
  left: "out of reach of private calls",
};

/** After these the endpoint asks no more by itself. */
const hopeless = new Set([403, 404, 489]);

export function openDirectService(
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly watch: (out: OutgoingRequest & { readonly event: string }, handlers: WatcherHandlers) => Watcher;
  },
  options: {
    readonly user: string;
    /** The user part of `uri`. */
    readonly service: string;
    readonly words: ServiceWords;
    /** Like that of the talkgroup's subscription. */
    readonly subscription: Omit<OutgoingRequest, "uri" | "to">;
    readonly uri: string;
    readonly local: Address;
  },
  handlers: SessionHandlers,
) {
  const { log } = ports;
  const { user, service, words, subscription, uri } = options;
  const what = { user, service };
  let watcher: Watcher | undefined;

  const answering = openAnswering(
    { random: ports.random, local: options.local },
    {
      ...handlers,
      onConfirmed() {
        log.info({ event: "session", ...what }, words.stands);
        handlers.onConfirmed();
      },
      onEnded() {
        log.info(what, "session ended by the server");
        machine.send({ type: "ended" });
      },
    },
  );
  const machine = run(reach, reachInitial, ports.clock, (effect) => {
    switch (effect.do) {
      case "subscribe":
        return subscribe();
      case "leave":
        return leave(effect.why);
    }
  });

  function subscribe(): void {
    watcher ??= ports.watch(
      { ...subscription, uri, to: uri, event: "conference" },
      {
        onNotify() {},
        onState(state) {
          if (state.active) return;
          log.warn({ ...what, status: state.status }, words.refused);
          if (!hopeless.has(state.status)) return;
          watcher = undefined;
          machine.send({ type: "refused" });
        },
      },
    );
  }

  function leave(why: string): void {
    log.info({ ...what, why }, words.left);
    watcher?.close();
    watcher = undefined;
    answering.end(why);
  }

  return {
    registered: () => machine.send({ type: "registered" }),
    /** Before the binding is removed: session and subscription end. */
    unregistered: () => machine.send({ type: "unregistered" }),
    accept(invite: IncomingInvite): void {
      answering.accept(invite);
      machine.send({ type: "session" });
    },
    /** Nothing has come from the server for too long. */
    lost: () => machine.send({ type: "lost" }),
  };
}
