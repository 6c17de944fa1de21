/** Keeps one binding at a registrar (RFC 3261 §10.2): refreshes it in time, and comes back after failures. */
import { type Machine, run } from "../machine.ts";
import { type Asked, ask } from "./asking.ts";
import { backoff, backoffAsked } from "./backoff.ts";
import type { Flow, Registration, RegistrationOptions } from "./contract.ts";
import { type Core, composeOutside, contactUri, newThread } from "./core.ts";
import { longerThan, refreshMs, secondsIn } from "./expires.ts";
import { parseContactList } from "./header.ts";
import { headers, ProtocolError, type SipResponse } from "./message.ts";
import { parseNumber } from "./uri.ts";

export type RegistrationState =
  | { readonly in: "registering"; readonly asked: number; readonly failures: number }
  | { readonly in: "registered"; readonly asked: number }
  | { readonly in: "waiting"; readonly asked: number; readonly failures: number }
  | { readonly in: "closing" }
  | { readonly in: "closed" };
export type RegistrationEvent =
  | { readonly type: "start" }
  /** `granted` in seconds. */
  | { readonly type: "accepted"; readonly granted: number }
  /** `fraction`: jitter, [0, 1). `minimum`: of a 423, seconds. `retryAfter`: seconds. */
  | {
      readonly type: "refused";
      readonly status: number;
      readonly fraction: number;
      readonly minimum?: number | undefined;
      readonly retryAfter?: number | undefined;
    }
  /** The connection to the registrar is gone. */
  | { readonly type: "flow-lost"; readonly fraction: number }
  | { readonly type: "close" };
export type RegistrationEffect =
  | { readonly do: "register"; readonly expires: number }
  | { readonly do: "tell"; readonly status: number }
  | { readonly do: "finish" };
export type RegistrationTimer = "refresh" | "retry" | "linger";

type Registering = Machine<RegistrationState, RegistrationEvent, RegistrationEffect, RegistrationTimer>;
type Event = Parameters<Registering>[1];
type Step = ReturnType<Registering>;

const lingerMs = 1_000;

export const registering: Registering = (state, event) => {
  switch (state.in) {
    case "closing":
      if (event.type === "start" || event.type === "close" || event.type === "flow-lost") return [state, []];
      return [{ in: "closed" }, [{ stop: "linger" }, { do: "finish" }]];
    case "closed":
      return [state, []];
    case "registering":
    case "registered":
    case "waiting":
      return open(state, event);
  }
};

type Open = Extract<RegistrationState, { readonly asked: number }>;

function open(state: Open, event: Event): Step {
  const { asked } = state;
  const failures = state.in === "registered" ? 0 : state.failures;
  switch (event.type) {
    case "start":
      return [state, [{ do: "register", expires: asked }]];
    case "accepted":
      return [
        { in: "registered", asked },
        [
          { start: "refresh", ms: refreshMs(event.granted) },
          { do: "tell", status: 200 },
        ],
      ];
    case "refused":
      return refused(asked, failures, event);
    case "flow-lost": {
      if (state.in !== "registered") return [state, []];
      const again = { start: "retry", ms: backoff(1, event.fraction) } as const;
      return [{ in: "waiting", asked, failures: 1 }, [{ stop: "refresh" }, again, { do: "tell", status: 503 }]];
    }
    case "expiry":
      return [{ in: "registering", asked, failures }, [{ do: "register", expires: asked }]];
    case "close": {
      const stop = [{ stop: "refresh" }, { stop: "retry" }] as const;
      return [{ in: "closing" }, [...stop, { start: "linger", ms: lingerMs }, { do: "register", expires: 0 }]];
    }
  }
}

function refused(asked: number, before: number, event: RegistrationEvent & { type: "refused" }): Step {
  const { status, fraction, minimum, retryAfter } = event;
  // §10.2.8: a longer time than was asked for is asked for at once, but not without end.
  const longer = status === 423 ? longerThan(asked, minimum) : undefined;
  if (longer !== undefined)
    return [{ in: "registering", asked: longer, failures: before }, [{ do: "register", expires: longer }]];
  const failures = before + 1;
  const wait = backoffAsked(failures, fraction, retryAfter);
  return [
    { in: "waiting", asked, failures },
    [
      { start: "retry", ms: wait },
      { do: "tell", status },
    ],
  ];
}

export interface MindedRegistration extends Registration {
  /** A connection of the endpoint went away. */
  onClosed(flow: Flow): void;
}

const defaultExpires = 300;

export function register(core: Core, options: RegistrationOptions, onFinished: () => void): MindedRegistration {
  const { registrar, aor, credentials, onState } = options;
  const thread = newThread(core);
  const expires = options.expires ?? defaultExpires;
  const contact = contactUri(core, aor, registrar.transport);
  const domain = aor.slice(aor.indexOf("@") + 1);
  let cseq = 0;
  let inFlight: Asked | undefined;
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });

  const initial = { in: "registering", asked: expires, failures: 0 } as const;
  const machine = run(registering, initial, core.clock, (effect) => {
    switch (effect.do) {
      case "register":
        return send(effect.expires);
      case "tell": {
        const { status } = effect;
        return onState(status === 200 ? { registered: true } : { registered: false, status });
      }
      case "finish":
        inFlight?.abandon();
        onFinished();
        return finish();
    }
  });

  function send(seconds: number): void {
    // §10.2: no second REGISTER beside one that is not answered.
    inFlight?.abandon();
    inFlight = ask(core, {
      credentials,
      compose() {
        cseq += 1;
        const extra = [
          ["contact", `<${contact}>`],
          ["expires", `${seconds}`],
        ] as const;
        const out = { method: "REGISTER", uri: `sip:${domain}`, from: aor, to: aor, via: registrar, headers: extra };
        return composeOutside(core, out, thread, cseq);
      },
      onResponse: (response) => onResponse(response, seconds),
    });
  }

  function onResponse(response: SipResponse, seconds: number): void {
    const { status } = response;
    if (status < 200) return;
    if (status < 300) return machine.send({ type: "accepted", granted: grantedTo(response, contact) ?? seconds });
    machine.send({
      type: "refused",
      status,
      fraction: core.random.fraction(),
      minimum: secondsIn(response, "min-expires"),
      retryAfter: secondsIn(response, "retry-after"),
    });
  }

  machine.send({ type: "start" });
  return {
    close() {
      machine.send({ type: "close" });
      return finished;
    },
    onClosed(flow) {
      const { host, port } = registrar.remote;
      if (registrar.transport === flow.transport && flow.remote.host === host && flow.remote.port === port)
        machine.send({ type: "flow-lost", fraction: core.random.fraction() });
    },
  };
}

/** §10.2.4: the `expires` of one's own Contact counts before the header. */
function grantedTo(response: SipResponse, contact: string): number | undefined {
  try {
    const contacts = parseContactList(headers(response, "contact"));
    const own = contacts === "*" ? undefined : contacts.find(({ uri }) => uri === contact);
    const granted = own?.params.get("expires");
    if (granted !== undefined) return parseNumber(granted, 0xffffffff, "expires");
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
  }
  return secondsIn(response, "expires");
}
