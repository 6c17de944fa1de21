/**
 * What the parts of a configuration file say about each other. It looks at each part by itself and passes over what is
 * malformed (the schema tells of it), so that every fault shows at once.
 */
import { isIP } from "node:net";
import { z } from "zod";
import type { Fault } from "../../hal/board/fault.ts";
import { gatewayId } from "../federation/topic.ts";
import { mostIdentities, ownHost, serviceNames } from "./fields.ts";

/** undefined for what is absent or malformed. */
const loose = <Schema extends z.ZodType>(schema: Schema) => schema.optional().catch(undefined);
const name = loose(z.string());
const names = loose(z.array(name));
const rule = z.object({ users: names, talkgroups: names });
const rules = loose(z.array(loose(rule)));
const whatever = z.unknown().optional();
const account = z.object({
  ...{ user: name, password: whatever, identityOf: whatever, digest: whatever },
  ...{
    talkgroups: names,
    standing: names,
    listenOnly: names,
    dispatcher: names,
    noPreempt: names,
    emergency: names,
    rules,
  },
});
const talkgroup = z.object({ name, record: whatever });
const number = loose(z.number());
const credentials = { username: whatever, password: whatever };

const looseSchema = z.object({
  site: name,
  gateway: whatever,
  store: whatever,
  voiceLog: whatever,
  accounts: loose(z.array(loose(account))),
  talkgroups: loose(z.array(loose(talkgroup))),
  sip: loose(z.object({ host: loose(ownHost), port: number, tls: loose(z.object({ port: number })) })),
  media: loose(z.object({ host: loose(ownHost) })),
  panel: loose(z.object({ account: name, talkgroup: name })),
  broker: loose(z.object({ embedded: loose(z.object(credentials)), url: whatever, ...credentials })),
});

type Names = readonly (string | undefined)[];
type Loose = z.output<typeof looseSchema>;
type Accounts = NonNullable<Loose["accounts"]>;

/** Names that point nowhere, names given twice, settings that exclude each other. `data`: a whole file, not yet checked. */
export function referenceFaults(data: unknown): Fault[] {
  const read = looseSchema.safeParse(data);
  if (!read.success) return [];
  return [
    ...[siteFaults, sipFaults, emptyFaults, nameFaults],
    ...[identityFaults, accountFaults, panelFaults, brokerFaults, recordFaults],
  ].flatMap((look) => look(read.data));
}

function siteFaults({ site, gateway }: Loose): Fault[] {
  if (gateway !== undefined || site === undefined || gatewayId.test(site.toLowerCase())) return [];
  return [{ path: "gateway", message: "missing, and the site's name makes no id; give 1 to 64 of a-z, 0-9 and -" }];
}

function sipFaults({ sip, media, panel }: Loose): Fault[] {
  const faults: Fault[] = [];
  if (sip?.tls && sip.port !== undefined && (sip.tls.port ?? 5061) === sip.port)
    faults.push({ path: "sip.tls.port", message: "this is sip.port too; expected another" });
  const kinds = [sip?.host, media?.host].map((host) => isIP(host ?? ""));
  if (panel && kinds.toSorted().join() === "4,6")
    faults.push({
      path: "media.host",
      message:
        "sip.host is an address of the other IP version, and the panel speaks SIP from here; expected the same version",
    });
  return faults;
}

/** Who is not here may be in a store. */
function emptyFaults({ accounts, talkgroups, store }: Loose): Fault[] {
  if (store !== undefined) return [];
  const fault = (path: string, what: string): Fault => ({ path, message: `expected one ${what} at least, or a store` });
  return [
    ...(accounts?.length === 0 ? [fault("accounts", "account")] : []),
    ...(talkgroups?.length === 0 ? [fault("talkgroups", "talkgroup")] : []),
  ];
}

/** Users and talkgroups are user parts of SIP URIs in one realm: one name, one of them. */
function nameFaults({ accounts = [], talkgroups = [] }: Loose): Fault[] {
  const places = [
    ...accounts.map((account, index) => ({ name: account?.user, path: `accounts.${index}.user` })),
    ...talkgroups.map((talkgroup, index) => ({ name: talkgroup?.name, path: `talkgroups.${index}.name` })),
  ];
  const first = new Map<string, string>();
  return places.flatMap(({ name, path }) => {
    const service = name === undefined ? undefined : serviceNames.get(name);
    if (service !== undefined) return [{ path, message: `this is the name of ${service}; expected another` }];
    const other = name === undefined ? undefined : first.get(name);
    if (other !== undefined) return [{ path, message: `this is the name at ${other} too; expected another` }];
    if (name !== undefined) first.set(name, path);
    return [];
  });
}

/** Each account has a password, or is an identity of one that has. */
function identityFaults({ accounts = [] }: Loose): Fault[] {
  return accounts.flatMap((account, index) => {
    if (!account) return [];
    const { password, identityOf: owner, digest } = account;
    const path = `accounts.${index}`;
    if (owner === undefined)
      return password === undefined ? [{ path: `${path}.password`, message: missingPassword }] : [];
    const given = Object.entries({ password, digest }).filter(([, value]) => value !== undefined);
    const faults = given.map(([key]) => ({
      path: `${path}.${key}`,
      message: "an identity is proved as its user is; remove this, or identityOf",
    }));
    const message = ownerFault(accounts, owner, index);
    return message === undefined ? faults : [...faults, { path: `${path}.identityOf`, message }];
  });
}

const missingPassword = "missing; expected 8 to 128 characters, or identityOf: the user whose password proves it";

function ownerFault(accounts: Accounts, owner: unknown, index: number): string | undefined {
  const found = accounts.find((account) => account?.user === owner);
  if (typeof owner !== "string") return undefined;
  if (!found) return "no account has this user; correct it or add it to accounts";
  if (found === accounts[index]) return "this is the identity itself; expected the user whose password proves it";
  if (found.identityOf !== undefined) return "this is an identity itself; expected the user whose password proves it";
  const before = accounts.slice(0, index).filter((account) => account?.identityOf === owner).length;
  return before < mostIdentities ? undefined : `expected ${mostIdentities} identities of a user at most`;
}

function accountFaults({ accounts = [], talkgroups }: Loose): Fault[] {
  const known = talkgroups?.map((talkgroup) => talkgroup?.name);
  return accounts.flatMap((account, index) => {
    if (!account) return [];
    const { talkgroups: own, standing, listenOnly, dispatcher, noPreempt, emergency, rules = [] } = account;
    const path = `accounts.${index}`;
    const nowhere = "no talkgroup has this name; correct it or add it to talkgroups";
    return [
      ...listFaults(`${path}.talkgroups`, own, known, nowhere),
      ...Object.entries({ standing, listenOnly, dispatcher, noPreempt, emergency }).flatMap(([key, list]) =>
        listFaults(`${path}.${key}`, list, own, "this is not among the account's talkgroups"),
      ),
      ...bothFaults(`${path}.dispatcher`, dispatcher, listenOnly),
      // Users of rules may have their accounts at other gateways.
      ...rules.flatMap((rule, number) => [
        ...listFaults(`${path}.rules.${number}.users`, rule?.users),
        ...listFaults(`${path}.rules.${number}.talkgroups`, rule?.talkgroups, known, nowhere),
      ]),
    ];
  });
}

/** A dispatcher talks. */
function bothFaults(path: string, list: Names = [], other: Names = []): Fault[] {
  return list.flatMap((name, index) =>
    name === undefined || !other.includes(name)
      ? []
      : [{ path: `${path}.${index}`, message: "this is among listenOnly too, and a dispatcher talks; remove one" }],
  );
}

function listFaults(path: string, list: Names = [], among: Names = list, message = ""): Fault[] {
  return list.flatMap((name, index) => {
    if (name === undefined) return [];
    if (list.indexOf(name) < index) return [{ path: `${path}.${index}`, message: "given twice; remove one" }];
    return among.includes(name) ? [] : [{ path: `${path}.${index}`, message }];
  });
}

function panelFaults({ panel, accounts }: Loose): Fault[] {
  if (panel?.account === undefined || !accounts) return [];
  const account = accounts.find((account) => account?.user === panel.account);
  if (!account)
    return [{ path: "panel.account", message: "no account has this user; correct it or add it to accounts" }];
  if (account.identityOf !== undefined)
    return [{ path: "panel.account", message: "this is an identity; expected a user with a password" }];
  if (panel.talkgroup === undefined || (account.talkgroups?.includes(panel.talkgroup) ?? true)) return [];
  return [{ path: "panel.talkgroup", message: "this is not among the talkgroups of the panel's account" }];
}

function recordFaults({ talkgroups = [], voiceLog }: Loose): Fault[] {
  if (voiceLog !== undefined) return [];
  const message = "recorded, but nowhere; add voiceLog: { folder: … }, or remove this";
  return talkgroups.flatMap((talkgroup, index) =>
    talkgroup?.record === true ? [{ path: `talkgroups.${index}.record`, message }] : [],
  );
}

function brokerFaults({ broker }: Loose): Fault[] {
  if (!broker) return [];
  const { embedded, url } = broker;
  const faults = [...pairFaults("broker", broker), ...(embedded ? pairFaults("broker.embedded", embedded) : [])];
  if (embedded && url !== undefined)
    faults.push({ path: "broker", message: "embedded and url are both given; expected one of them" });
  if (!embedded && url === undefined)
    faults.push({ path: "broker", message: "expected embedded: { host, port }, or url; or none for a lone site" });
  if (embedded && (broker.username !== undefined || broker.password !== undefined))
    faults.push({ path: "broker", message: "username and password of the embedded broker belong inside embedded" });
  return faults;
}

function pairFaults(path: string, given: { readonly username?: unknown; readonly password?: unknown }): Fault[] {
  if ((given.username === undefined) === (given.password === undefined)) return [];
  return [{ path, message: "username and password come together; give both or neither" }];
}
