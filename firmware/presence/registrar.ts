/**
 * The registrar (RFC 3261 §10.3): which contacts of an account are reachable, by which flow, and for how long. It takes requests
 * that are authenticated already, and tells when a terminal appears, starts afresh, is out of reach, and is gone.
 *
 * Flows are those of RFC 5626 without its extension: a contact is reached by the way that it registered by. A connection that
 * closes takes its contacts' reachability with it: they stay bound, but nobody dials an address that a NAT may have
 * given to somebody else. The terminal comes back by registering anew. A binding that outlived a restart is asleep: it is
 * the terminal's still, but nobody is told of it before there is a sign of life.
 *
 * What a user binds, and an identity of the user's, is bound for all of them (identities.ts).
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import { copied } from "../sip/copied.ts";
import type { Flow, Incoming } from "../sip/endpoint.ts";
import { secondsIn } from "../sip/expires.ts";
import { type NameAddr, parseContactList, parseCSeq, parseNameAddr } from "../sip/header.ts";
import { type Headers, header, headers, ProtocolError } from "../sip/message.ts";
import { aorOf, formatUri, parseNumber, parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { BindingStore } from "./binding-store.ts";
import { identitiesOf } from "./identities.ts";

export interface Binding {
  readonly account: Account;
  /** The contact's URI. */
  readonly contact: string;
  /** The way it registered by, which is the way back to it. */
  readonly flow: Flow;
  /** How much it is preferred among those of the account, 0..1; undefined counts as 1. */
  readonly q: number | undefined;
}

/** Told of every identity that is bound, each with its own account. */
export interface RegistrarListener {
  /** `fresh`: a new contact, or one whose terminal has started anew. */
  bound(binding: Binding, fresh: boolean): void;
  unbound(binding: Binding): void;
  /** One contact more of the account can be reached, or one less. */
  reach(account: Account, change: 1 | -1): void;
}

export interface Registrar {
  /** Answers a REGISTER of `account`, a user or an identity. Throws ProtocolError. */
  register(account: Account, incoming: Incoming): void;
  /** The contacts of a user, or an identity, that can be reached: the one to be chosen first, by its q and then by how lately it was heard of. */
  reachable(user: string): readonly Binding[];
  /** Contacts that are bound. */
  count(): number;
  /** A connection is gone. */
  cut(connection: Flow): void;
  /** Takes up what outlived a restart; gives those whose terminals can be asked for a sign of life. */
  restore(): readonly Binding[];
  /** No sign of life has come, and the binding is there still. */
  isAsleep(binding: Binding): boolean;
  /** It has come. */
  wake(binding: Binding): void;
  /** The user's account is another one now; undefined: what is bound was bound by somebody else. */
  retain(user: string, account: Account | undefined): void;
  close(): void;
}

/** What a terminal says with each REGISTER; texts are copies of what was in the message. */
interface Said {
  account: Account;
  readonly contact: string;
  flow: Flow;
  q: number | undefined;
  callId: string;
  cseq: number;
  /** Which terminal it is, where that says so (RFC 5626 §4.1). */
  instance: string | undefined;
}

/** A refresh changes it in place: at thousands a second, new ones would be the collector's main work. */
interface Held extends Said {
  boundAt: number;
  expiresAt: number;
  /** It may fire before a refreshed binding expires, never after. */
  expiry: { readonly at: number; readonly cancel: Cancel };
  isReachable: boolean;
  /** Never reachable. */
  isAsleep: boolean;
}

/** What a request asks for one contact. */
interface Change extends Pick<Said, "contact" | "q" | "instance"> {
  readonly seconds: number;
}

const unarmed: Held["expiry"] = { at: Number.POSITIVE_INFINITY, cancel() {} };

/** Seconds. A refresh more often than this is a load without a use. */
const shortest = 30;
const longest = 3_600;
/** Over a connection a refresh comes before the connection is given up as idle (transport-tcp.ts). */
const longestByConnection = 600;
const usual = 300;
const mostContacts = 10;

export function registrar(
  ports: { readonly clock: Clock; readonly accounts: Accounts; readonly bindings: BindingStore },
  told: RegistrarListener,
): Registrar {
  const { clock, bindings: store } = ports;
  /** By user, never an identity, then by contact. */
  const accounts = new Map<string, Map<string, Held>>();
  const listener = identitiesOf(ports.accounts, (user) => accounts.get(user)?.values() ?? [], told);
  const byConnection = new Map<string, Set<Held>>();
  let isClosed = false;
  const current = ({ account, contact }: Binding): Held | undefined => accounts.get(account.user)?.get(contact);

  /** The one to be chosen comes first. */
  function contactsOf(user: string): readonly Held[] {
    return [...(accounts.get(user)?.values() ?? [])].sort((a, b) => (b.q ?? 1) - (a.q ?? 1) || b.boundAt - a.boundAt);
  }

  function remove(held: Held): void {
    held.expiry.cancel();
    leaveConnection(held);
    const contacts = accounts.get(held.account.user);
    contacts?.delete(held.contact);
    if (contacts?.size === 0) accounts.delete(held.account.user);
    store.remove(held.account.user, held.contact);
    if (!held.isAsleep) listener.unbound(held);
    if (held.isReachable) listener.reach(held.account, -1);
  }

  function joinConnection(held: Held): void {
    if (held.flow.connection === undefined) return;
    const key = connectionOf(held.flow);
    byConnection.set(key, (byConnection.get(key) ?? new Set()).add(held));
  }

  function leaveConnection(held: Held): void {
    if (held.flow.connection === undefined) return;
    const key = connectionOf(held.flow);
    const others = byConnection.get(key);
    others?.delete(held);
    if (others?.size === 0) byConnection.delete(key);
  }

  function arm(held: Held): void {
    held.expiry.cancel();
    const at = held.expiresAt;
    const expire = (): void => (held.expiresAt > clock.now() ? arm(held) : remove(held));
    held.expiry = { at, cancel: clock.after(at - clock.now(), expire) };
  }

  function put(said: Said, ms: number, isAsleep: boolean): Held {
    const { account, contact } = said;
    const contacts = accounts.get(account.user) ?? new Map<string, Held>();
    const now = clock.now();
    const held: Held = {
      ...said,
      boundAt: now,
      expiresAt: now + ms,
      expiry: unarmed,
      isReachable: !isAsleep,
      isAsleep,
    };
    accounts.set(account.user, contacts.set(contact, held));
    arm(held);
    joinConnection(held);
    return held;
  }

  function refresh(held: Held, said: Said, ms: number): void {
    leaveConnection(held);
    const boundAt = clock.now();
    Object.assign(held, said, { boundAt, expiresAt: boundAt + ms, isReachable: true, isAsleep: false });
    joinConnection(held);
    if (held.expiry.at > held.expiresAt) arm(held);
  }

  function keep({ account, contact, flow, callId, cseq, q, expiresAt }: Held): void {
    const { transport, remote } = flow;
    store.save({
      user: account.user,
      contact,
      transport,
      remote,
      callId,
      cseq,
      ...(q !== undefined && { q }),
      expiresAt: clock.wall() + expiresAt - clock.now(),
    });
  }

  function bind(said: Said, seconds: number): void {
    const { account, callId } = said;
    const before = current(said);
    const isFresh = before?.callId !== callId || before.isAsleep;
    const wasReachable = before?.isReachable === true;
    if (before) refresh(before, said, seconds * 1_000);
    const held = before ?? put(said, seconds * 1_000, false);
    keep(held);
    listener.bound(held, isFresh);
    if (!wasReachable) listener.reach(account, 1);
  }

  /** A terminal that is back under another contact: what still stands with its old one ends by the new way to it. */
  function supersede(old: Held, flow: Flow): void {
    if (!old.isAsleep) listener.bound({ ...old, flow }, false);
    remove(old);
  }

  function restore(): readonly Binding[] {
    return store.load().flatMap(({ user, contact, transport, remote, callId, cseq, q, expiresAt }) => {
      const account = ports.accounts.find(user);
      // A board without a battery-backed clock may have started in its own past.
      const ms = Math.min(expiresAt - clock.wall(), longest * 1_000);
      if (!account || account.owner !== undefined || ms <= 0 || !isTransport(transport)) {
        store.remove(user, contact);
        return [];
      }
      const held = put(
        { account, contact, flow: { transport, remote }, callId, cseq, q, instance: undefined },
        ms,
        true,
      );
      // A connection ended with the process that held it: its terminal makes another one.
      return transport === "udp" ? [held] : [];
    });
  }

  function wake(binding: Binding): void {
    const held = current(binding);
    if (!held?.isAsleep) return;
    held.isAsleep = false;
    held.isReachable = true;
    listener.bound(held, true);
    listener.reach(held.account, 1);
  }

  /** Who has the contacts of an account. */
  function ownerOf(account: Account): Account | undefined {
    return account.owner === undefined ? account : ports.accounts.find(account.owner);
  }

  function register(asking: Account, incoming: Incoming): void {
    const { request, flow } = incoming;
    const account = ownerOf(asking);
    if (!account) throw new ProtocolError(403, `${asking.user} is nobody's any more`);
    const set = [account, ...account.identities.flatMap((user) => ports.accounts.find(user) ?? [])];
    const to = aorOf(parseUri(parseNameAddr(header(request, "to") ?? "").uri));
    if (!set.some(({ aor }) => aor === to)) throw new ProtocolError(403, `${asking.user} registers somebody else`);
    const associated = associatedHeaders(set);
    const callId = copied(header(request, "call-id") ?? "");
    const { number: cseq } = parseCSeq(header(request, "cseq") ?? "");
    const held = accounts.get(account.user);
    const listed = parseContactList(headers(request, "contact"));
    const general = secondsIn(request, "expires");

    if (listed === "*") {
      if (general !== 0) throw new ProtocolError(400, "Contact * with Expires other than 0");
      const all = [...(held?.values() ?? [])];
      for (const each of all) inOrder(each, callId, cseq);
      for (const each of all) remove(each);
      return whenSettled(() => incoming.respond(200, { headers: [["expires", "0"], ...associated] }));
    }

    // All is looked at before anything is changed (§10.3 step 7).
    const changes = listed.map((each) => changeOf(each, general));
    for (const { contact } of changes) {
      const before = held?.get(contact);
      if (before) inOrder(before, callId, cseq);
    }
    if (changes.some(({ seconds }) => seconds > 0 && seconds < shortest))
      return incoming.respond(423, { headers: [["min-expires", `${shortest}`]] });
    const idle = superfluous(held, changes);
    // Those of a terminal that died run out before long: a refusal, but not for good.
    if (idle === undefined) return incoming.respond(503, { headers: [["retry-after", `${shortest}`]] });

    for (const each of idle) remove(each);
    for (const { seconds, ...change } of changes) {
      const contacts = accounts.get(account.user);
      const before = contacts?.get(change.contact);
      if (seconds === 0) {
        if (before) remove(before);
        continue;
      }
      for (const old of before ? [] : (contacts?.values() ?? []))
        if (!old.isReachable && old.instance !== undefined && old.instance === change.instance) supersede(old, flow);
      const most = flow.connection === undefined ? longest : longestByConnection;
      bind({ ...change, account, flow, callId, cseq }, Math.min(seconds, most));
    }
    const answer = [...contactsOf(account.user).map(contactHeader), ...associated];
    if (changes.every(({ seconds }) => seconds > 0)) return incoming.respond(200, { headers: answer });
    whenSettled(() => incoming.respond(200, { headers: answer }));
  }

  /** A terminal that was told that it is gone may never come back to say so again: that outlives a loss of power. */
  function whenSettled(respond: () => void): void {
    store.settled(() => {
      if (!isClosed) respond();
    });
  }

  function contactHeader({ contact, q, expiresAt }: Held): readonly [string, string] {
    const left = Math.max(0, Math.round((expiresAt - clock.now()) / 1_000));
    return ["contact", `<${contact}>${q === undefined ? "" : `;q=${q}`};expires=${left}`];
  }

  return {
    register,
    restore,
    isAsleep: (binding) => current(binding)?.isAsleep === true,
    wake,
    retain(user, account) {
      for (const held of [...(accounts.get(user)?.values() ?? [])]) {
        if (!account) remove(held);
        else {
          held.account = account;
          // What was said between the change and the news of it was not kept.
          keep(held);
        }
      }
      listener.retain(user, account);
    },
    count: () => [...accounts.values()].reduce((sum, contacts) => sum + contacts.size, 0),
    reachable(user) {
      const account = ports.accounts.find(user);
      const owner = account && ownerOf(account);
      const contacts = contactsOf(owner?.user ?? user).filter(({ isReachable }) => isReachable);
      return account?.owner === undefined ? contacts : contacts.map((held) => ({ ...held, account }));
    },
    cut(connection) {
      const key = connectionOf(connection);
      const cut = byConnection.get(key) ?? [];
      byConnection.delete(key);
      for (const held of cut) {
        held.isReachable = false;
        listener.reach(held.account, -1);
      }
    },
    close() {
      isClosed = true;
      for (const contacts of accounts.values()) for (const held of contacts.values()) held.expiry.cancel();
      accounts.clear();
      byConnection.clear();
    },
  };
}

/** RFC 7315 §4.1, the default one first. A user who has no other identity is not told so. */
function associatedHeaders(set: readonly Account[]): Headers {
  if (set.length < 2) return [];
  return set.map(({ aor }) => ["p-associated-uri", `<${aor}>`] as const);
}

const transports: readonly Flow["transport"][] = ["udp", "tcp", "tls"];

function isTransport(name: string): name is Flow["transport"] {
  return transports.some((transport) => transport === name);
}

function connectionOf({ transport, connection }: Flow): string {
  return `${transport} ${connection}`;
}

function changeOf({ uri, params }: NameAddr, general: number | undefined): Change {
  const own = params.get("expires");
  const q = params.get("q");
  const instance = params.get("+sip.instance");
  // RFC 3261 §25.1 "qvalue"
  if (q !== undefined && !/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q))
    throw new ProtocolError(400, `q "${q.slice(0, 20)}", expected 0 to 1`);
  return {
    contact: copied(formatUri(parseUri(uri))),
    q: q === undefined ? undefined : Number(q),
    instance: instance && copied(instance),
    seconds: own === undefined ? (general ?? usual) : parseNumber(own, 0xffff_ffff, "expires"),
  };
}

/** What must go to make room for the changes: contacts out of reach, the oldest first. Undefined: there is no room. */
function superfluous(
  held: ReadonlyMap<string, Held> | undefined,
  changes: readonly Change[],
): readonly Held[] | undefined {
  const after = new Set(held?.keys());
  for (const { contact, seconds } of changes) {
    if (seconds > 0) after.add(contact);
    else after.delete(contact);
  }
  const excess = after.size - mostContacts;
  if (excess <= 0) return [];
  const named = new Set(changes.map(({ contact }) => contact));
  const idle = [...(held?.values() ?? [])].filter(({ contact, isReachable }) => !isReachable && !named.has(contact));
  return excess > idle.length ? undefined : idle.sort((a, b) => a.boundAt - b.boundAt).slice(0, excess);
}

/** §10.3 step 7: a request that was overtaken changes nothing. */
function inOrder(held: Held, callId: string, cseq: number): void {
  if (held.callId === callId && cseq <= held.cseq) throw new ProtocolError(500, "a REGISTER out of order");
}
