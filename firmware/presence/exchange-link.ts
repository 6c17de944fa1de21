/**
 * Keeps the way to one exchange open, and knows whether it is: registers there, or asks a peer from time to time whether it is
 * there (RFC 3261 §11), which also keeps a connection to it up.
 */
import type { Clock } from "../../hal/clock/port.ts";
import type { Endpoint } from "../sip/endpoint.ts";
import { addressAt, type ExchangeSettings, loginAt, wayTo } from "./exchange.ts";

export type LinkState =
  | { readonly in: "asking" }
  | { readonly in: "up" }
  /** `status`: what it answered last; 408 for nothing, 503 where there is no way. */
  | { readonly in: "down"; readonly status: number };

export interface ExchangeLink {
  state(): LinkState;
  close(): void;
}

/** An exchange that starts anew has forgotten who registered: so long it may take until it knows again, s. */
const expires = 60;
const probeMs = 30_000;
/** What nobody but this side answers, or a server that cannot do anything for anybody. */
const unreachable = new Set([408, 503]);

/** `onChange`: it is another state. The endpoint is open, and closed before this. */
export function exchangeLink(
  ports: { readonly clock: Clock; readonly sip: () => Endpoint },
  settings: ExchangeSettings,
  realm: string,
  onChange: (state: LinkState) => void,
): ExchangeLink {
  let state: LinkState = { in: "asking" };
  const credentials = loginAt(settings);
  const stop = settings.register && credentials ? register(credentials) : probe();

  function become(next: LinkState): void {
    const isSame = next.in === "down" ? state.in === "down" && next.status === state.status : next.in === state.in;
    state = next;
    if (!isSame) onChange(next);
  }

  function register(credentials: NonNullable<ReturnType<typeof loginAt>>): () => void {
    const registration = ports.sip().register({
      aor: addressAt(settings, settings.user),
      registrar: wayTo(settings),
      credentials,
      expires,
      onState: (told) => become(told.registered ? { in: "up" } : { in: "down", status: told.status }),
    });
    return () => void registration.close();
  }

  function probe(): () => void {
    const uri = addressAt(settings, undefined);
    const ask = (): void =>
      ports
        .sip()
        .request({ method: "OPTIONS", uri, from: `sip:${realm}`, to: uri, via: wayTo(settings) }, ({ status }) =>
          become(unreachable.has(status) ? { in: "down", status } : { in: "up" }),
        );
    ask();
    return ports.clock.every(probeMs, ask);
  }

  return { state: () => state, close: stop };
}
