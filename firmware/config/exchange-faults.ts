/** What exchanges and the rest of a configuration file say about each other; looks at what is sound by itself, as references.ts does. */
import { isIP } from "node:net";
import { z } from "zod";
import type { Fault } from "../../hal/board/fault.ts";
import { certificateName, dialled, domain, ownHost, peerHost, prefix } from "./fields.ts";

/** undefined for what is absent or malformed. */
const loose = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const name = loose(z.string());
const number = loose(z.number());
const whatever = z.unknown().optional();
const named = z.object({ user: name, name });

const server = z.object({ host: loose(peerHost), port: number, transport: name, name: loose(certificateName) });

const exchange = z.object({
  name,
  server: loose(server),
  domain: loose(domain),
  user: whatever,
  password: whatever,
  register: whatever,
  numbers: loose(z.record(dialled, z.string())),
  dialOut: loose(prefix),
});

const looseSchema = z.object({
  realm: name,
  store: whatever,
  accounts: loose(z.array(loose(named))),
  talkgroups: loose(z.array(loose(named))),
  sip: loose(z.object({ host: loose(ownHost), port: number, tls: loose(z.object({ port: number })) })),
  exchanges: loose(z.array(loose(exchange))),
});

type Loose = z.output<typeof looseSchema>;
type Exchange = z.output<typeof exchange>;
type Named = readonly (readonly [name: string, path: string])[];

/** `data`: a whole file, not yet checked. */
export function exchangeFaults(data: unknown): Fault[] {
  const read = looseSchema.safeParse(data);
  if (!read.success) return [];
  const { exchanges = [] } = read.data;
  const known = namesIn(read.data);
  const each = exchanges.flatMap((exchange, index) => {
    if (!exchange) return [];
    const faults = [
      ...loginFaults(exchange),
      ...serverFaults(exchange, read.data),
      ...numberFaults(exchange, read.data, known),
      ...dialOutFaults(exchange, known),
    ];
    return faults.map(({ path, message }) => ({ path: `exchanges.${index}.${path}`, message }));
  });
  return [...each, ...twiceFaults(exchanges)];
}

/** Users and talkgroups by name, and where each is. */
function namesIn({ accounts = [], talkgroups = [] }: Loose): Named {
  return [
    ...accounts.map((account, index) => [account?.user, `accounts.${index}.user`] as const),
    ...talkgroups.map((talkgroup, index) => [talkgroup?.name, `talkgroups.${index}.name`] as const),
  ].flatMap(([name, path]) => (name === undefined ? [] : [[name, path] as const]));
}

function loginFaults({ user, password, register }: Exchange): Fault[] {
  if (password !== undefined && user === undefined)
    return [{ path: "password", message: "there is no user that this is the password of; add user or remove it" }];
  if (register !== false && user !== undefined && password === undefined)
    return [{ path: "password", message: "missing; expected the password of user, or register: false" }];
  if (register === true && user === undefined)
    return [{ path: "user", message: "missing; expected who registers there, or register: false" }];
  return [];
}

function serverFaults({ server, domain }: Exchange, { realm, sip }: Loose): Fault[] {
  const faults: Fault[] = [];
  const { host, transport = "udp", port = transport === "tls" ? 5061 : 5060 } = server ?? {};
  const own = transport === "tls" ? sip?.tls && (sip.tls.port ?? 5061) : sip?.port;
  if (transport === "tls" && sip && !sip.tls)
    faults.push({ path: "server.transport", message: "TLS needs a certificate and a key; add sip.tls" });
  if (host !== undefined && sip?.host !== undefined) {
    if (host === sip.host && port === own)
      faults.push({ path: "server", message: "this is the gateway itself; expected another server" });
    if (isIP(host) !== isIP(sip.host))
      faults.push({
        path: "server.host",
        message: "sip.host is an address of the other IP version; expected the same",
      });
  }
  if (domain !== undefined && domain === realm)
    faults.push({ path: "domain", message: "this is the realm: users there would be taken for users here" });
  return faults;
}

/** Whoever is not here may be in a store. */
function numberFaults({ numbers = {} }: Exchange, { store, accounts, talkgroups }: Loose, known: Named): Fault[] {
  if (store !== undefined || !accounts || !talkgroups) return [];
  return Object.entries(numbers).flatMap(([number, name]) => {
    if (known.some(([other]) => other === name)) return [];
    return [{ path: `numbers.${number}`, message: "no talkgroup and no user has this name; correct or add it" }];
  });
}

/** Nobody here may become out of reach for those who dial out. */
function dialOutFaults({ dialOut, numbers = {} }: Exchange, known: Named): Fault[] {
  if (dialOut === undefined) return [];
  const path = "dialOut";
  const taken = known.find(([name]) => name.startsWith(dialOut));
  if (taken) return [{ path, message: `the name at ${taken[1]} begins so; expected another prefix` }];
  const number = Object.keys(numbers).find((number) => number.startsWith(dialOut));
  if (number !== undefined)
    return [{ path, message: `the number at numbers.${number} begins so; expected another prefix` }];
  return [];
}

/** Each exchange is known by its name, and by where its calls come from. */
function twiceFaults(exchanges: readonly (Exchange | undefined)[]): Fault[] {
  return exchanges.flatMap((exchange, index) => {
    if (!exchange) return [];
    const path = `exchanges.${index}`;
    const before = exchanges.slice(0, index);
    const sameName = before.findIndex((other) => other?.name !== undefined && other.name === exchange.name);
    const sameServer = before.findIndex((other) => other && isSameServer(other, exchange));
    const overlap = before.findIndex((other) => overlaps(other?.dialOut, exchange.dialOut));
    return [
      ...(sameName < 0 ? [] : [{ path: `${path}.name`, message: `this is the name at exchanges.${sameName} too` }]),
      ...(sameServer < 0
        ? []
        : [
            { path: `${path}.server`, message: `calls from here cannot be told from those of exchanges.${sameServer}` },
          ]),
      ...(overlap < 0
        ? []
        : [{ path: `${path}.dialOut`, message: `numbers may begin with this and with exchanges.${overlap}.dialOut` }]),
    ];
  });
}

/** Over TCP and TLS a server calls from any port. */
function isSameServer({ server: one }: Exchange, { server: other }: Exchange): boolean {
  if (one?.host === undefined || one.host !== other?.host) return false;
  const [transport, same] = [one.transport ?? "udp", other.transport ?? "udp"];
  if (transport !== same) return false;
  if (transport === "udp") return (one.port ?? 5060) === (other.port ?? 5060);
  return transport === "tcp" || one.name === other.name;
}

function overlaps(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && (one.startsWith(other) || other.startsWith(one));
}
