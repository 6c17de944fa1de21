/** Another SIP server, a PBX as a rule, as it was configured: where it is, whom it knows this gateway as, how its addresses look. */
import type { Credentials, Endpoint, Flow, Transport } from "../sip/endpoint.ts";
import { formatUri } from "../sip/uri.ts";

export interface ExchangeSettings {
  /** For logs: [a-z0-9-]. */
  readonly name: string;
  /** `name`: whom its certificate must be for; absent: its host. */
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly transport: Transport;
    readonly name?: string;
  };
  /** Of its addresses. */
  readonly domain: string;
  /** Who this gateway is there. */
  readonly user?: string;
  readonly password?: string;
  /** Only with user and password. */
  readonly register: boolean;
  /** What is dialled there, and the talkgroup or user here that it leads to. */
  readonly numbers: ReadonlyMap<string, string>;
  /** Floor priority of its callers, 0..255. */
  readonly priority: number;
  /** At a time, in and out. */
  readonly calls: number;
  /** Numbers here that begin so lead there, without it. */
  readonly dialOut?: string;
}

const none: ReadonlyMap<string, string> = new Map();

/** "sip:1001@pbx.example" */
export function addressAt({ domain }: ExchangeSettings, user: string | undefined): string {
  const rest = { password: undefined, port: undefined, params: none, headers: none };
  return formatUri({ scheme: "sip", user, host: domain, ...rest });
}

/** The way there. */
export function wayTo({ server }: ExchangeSettings): Flow {
  const { host, port, transport, name = host } = server;
  return { transport, remote: { host, port }, ...(transport === "tls" && { name }) };
}

/**
 * Whether what came by `flow` is the exchange's; it proves nothing else. Over TLS it has shown who it is on the connection that was
 * opened to it, or by a certificate of its own (`isFor`). Over TCP it may call from any port, and so may others of its host, as behind a router: `from`, the host of the caller's
 * address, is not the realm's then, for whoever has an account here can prove it.
 */
export function isFrom(
  settings: ExchangeSettings,
  flow: Flow,
  { from, realm, isFor }: { readonly from: string; readonly realm: string; readonly isFor: Endpoint["isFor"] },
): boolean {
  const { transport, remote, name } = flow;
  const way = wayTo(settings);
  if (transport !== way.transport || remote.host !== way.remote.host) return false;
  switch (transport) {
    case "udp":
      return remote.port === way.remote.port;
    case "tcp":
      return remote.port === way.remote.port || from !== realm;
    case "tls":
      return name === way.name || isFor(flow, way.name ?? way.remote.host);
  }
}

export function loginAt({ user, password }: ExchangeSettings): Credentials | undefined {
  return user === undefined || password === undefined ? undefined : { username: user, password };
}
