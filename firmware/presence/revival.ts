/**
 * After a restart: asks the terminals whose registrations outlived the gateway whether they are still there (OPTIONS), not all
 * in one moment. A site may have lost its power whole, so that until one answers, or registers, it is not there.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Endpoint } from "../sip/endpoint.ts";
import type { Binding } from "./registrar.ts";

export interface Revival {
  ask(bindings: readonly Binding[]): void;
  close(): void;
}

/** 10,000 a second: a gateway with so many users is at work for a moment, and its voice goes on. */
const portion = { terminals: 100, everyMs: 10 };
/** After no answer; the terminal may be out of reach, and does not know that the gateway started anew. */
const againMs = 60_000;
/** RFC 3261 §21: the user is not there, or nobody is. Any other answer is a sign of life. */
const absent: ReadonlySet<number> = new Set([404, 408, 410, 503, 604]);

export function revival(
  ports: { readonly clock: Clock; readonly sip: () => Endpoint },
  /** "sip:example.org", who asks. */
  domain: string,
  listener: {
    /** Not heard of otherwise meanwhile. */
    waits(binding: Binding): boolean;
    /** Told of one that does not wait any more, too. */
    alive(binding: Binding): void;
  },
): Revival {
  const { clock, sip } = ports;
  const timers = new Set<Cancel>();
  let waiting: Binding[] = [];
  let pace: Cancel | undefined;

  function after(ms: number, callback: () => void): Cancel {
    const cancel = clock.after(ms, () => {
      timers.delete(cancel);
      callback();
    });
    timers.add(cancel);
    return cancel;
  }

  function next(): void {
    const now = waiting.slice(0, portion.terminals);
    waiting = waiting.slice(portion.terminals);
    pace = waiting.length > 0 ? after(portion.everyMs, next) : undefined;
    for (const binding of now) if (listener.waits(binding)) askOne(binding);
  }

  function askOne(binding: Binding): void {
    const { account, contact, flow } = binding;
    const options = { method: "OPTIONS", uri: contact, from: domain, to: account.aor, via: flow };
    sip().request(options, ({ status }) => {
      if (!absent.has(status)) return listener.alive(binding);
      after(againMs, () => ask([binding]));
    });
  }

  function ask(bindings: readonly Binding[]): void {
    for (const binding of bindings) waiting.push(binding);
    if (!pace && waiting.length > 0) next();
  }

  return {
    ask,
    close() {
      for (const cancel of timers) cancel();
      timers.clear();
      waiting = [];
    },
  };
}
