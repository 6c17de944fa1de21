import type { Cancel, Clock } from "../clock/port.ts";
import { matches } from "./topic.ts";

/** How a session ends: the client said goodbye, the client fell silent or was replaced, the broker ended. */
export type SessionEnd = "closed" | "vanished" | "broker-ended";

/** One client's clean session on the simulated broker, and the two lanes between them. */
export interface Session {
  publish(topic: string, payload: Uint8Array, retain: boolean): void;
  /** Subscribes at once: the client waited for it before it took the link for up. */
  restore(filters: Iterable<string>): void;
  subscribe(filter: string): void;
  unsubscribe(filter: string): void;
  close(): void;
  subscribed(topic: string): boolean;
  deliver(topic: string, payload: Uint8Array): void;
  cut(): void;
  mend(): void;
  end(how: SessionEnd): void;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly latencyMs: number;
  readonly giveUpMs: number;
}

export interface SessionOwner {
  readonly route: (topic: string, payload: Uint8Array, retain: boolean) => void;
  readonly retained: (filter: string) => readonly (readonly [string, Uint8Array])[];
  readonly onEnd: (how: SessionEnd) => void;
}

export function session(
  ports: SessionPorts,
  onMessage: (topic: string, payload: Uint8Array) => void,
  owner: SessionOwner,
): Session {
  const filters = new Set<string>();
  /** What was under way when the path was cut, in order. */
  const held: (() => void)[] = [];
  let cutOff: Cancel | undefined;
  let open = true;
  let listening = true;

  function cross(action: () => void): void {
    ports.clock.after(ports.latencyMs, () => {
      if (cutOff) held.push(action);
      else if (open) action();
    });
  }

  function deliver(topic: string, payload: Uint8Array): void {
    cross(() => {
      if (listening) onMessage(topic, new Uint8Array(payload));
    });
  }

  function subscribe(filter: string): void {
    filters.add(filter);
    for (const [topic, payload] of owner.retained(filter)) deliver(topic, payload);
  }

  function end(how: SessionEnd): void {
    if (!open) return;
    open = false;
    cutOff?.();
    cutOff = undefined;
    owner.onEnd(how);
  }

  return {
    publish: (topic, payload, retain) => cross(() => owner.route(topic, payload, retain)),
    restore(all) {
      for (const filter of all) subscribe(filter);
    },
    subscribe: (filter) => cross(() => subscribe(filter)),
    unsubscribe: (filter) => cross(() => filters.delete(filter)),
    close() {
      listening = false;
      cross(() => end("closed"));
    },
    subscribed: (topic) => [...filters].some((filter) => matches(filter, topic)),
    deliver,
    cut() {
      cutOff ??= ports.clock.after(ports.giveUpMs, () => end("vanished"));
    },
    mend() {
      cutOff?.();
      cutOff = undefined;
      for (const action of held.splice(0)) if (open) action();
    },
    end,
  };
}
