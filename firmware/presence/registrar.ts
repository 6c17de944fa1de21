/**
 * The registrar (RFC 3261 §10.3): which contacts of an account are reachable, by which flow, and for how long. It takes requests
 * that are authenticated already, and tells when a terminal appears, starts afresh, and is gone. A binding that outlived a
 * restart is asleep: it is the terminal's still, but nobody is told of it before there is a sign of life.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Flow, Incoming } from "../sip/endpoint.ts";
import { secondsIn } from "../sip/expires.ts";
import { parseContactList, parseCSeq, parseNameAddr } from "../sip/header.ts";
import { header, headers, ProtocolError } from "../sip/message.ts";
import { aorOf, formatUri, parseNumber, parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";
import type { BindingStore } from "./binding-store.ts";

export interface Binding {
  readonly account: Account;
  /** The contact's URI. */
  readonly contact: string;
  /** The way it registered by, which is the way back to it. */
  readonly flow: Flow;
}

export interface RegistrarListener {
  /** `fresh`: a new contact, or one whose terminal has started anew. */
  bound(binding: Binding, fresh: boolean): void;
  unbound(binding: Binding): void;
}

export interface Registrar {
  /** Answers a REGISTER of `account`. Throws ProtocolError. */
  register(account: Account, incoming: Incoming): void;
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

interface Held extends Binding {
  readonly callId: string;
  readonly cseq: number;
  /** Preference among the contacts of an account, 0 to 1. */
  readonly q?: number;
  readonly expiresAt: number;
  readonly expiry: Cancel;
  readonly isAsleep: boolean;
}

/** What a REGISTER says of a contact, beside where it is. */
type Terms = Pick<Held, "callId" | "cseq" | "q">;

/** Seconds. A refresh more often than this is a load without a use. */
const shortest = 30;
const longest = 3_600;
const usual = 300;
const mostContacts = 10;

export function registrar(
  ports: { readonly clock: Clock; readonly accounts: Accounts; readonly bindings: BindingStore },
  listener: RegistrarListener,
): Registrar {
  const { clock, bindings: store } = ports;
  /** By account, then by contact. */
  const accounts = new Map<string, Map<string, Held>>();
  const current = ({ account, contact }: Binding): Held | undefined => accounts.get(account.user)?.get(contact);

  function remove(held: Held): void {
    held.expiry();
    const { account, contact } = held;
    const contacts = accounts.get(account.user);
    contacts?.delete(contact);
    if (contacts?.size === 0) accounts.delete(account.user);
    store.remove(account.user, contact);
    if (!held.isAsleep) listener.unbound(held);
  }

  function put(binding: Binding, terms: Terms, ms: number, isAsleep: boolean): Held {
    const contacts = accounts.get(binding.account.user) ?? new Map<string, Held>();
    const expiry = clock.after(ms, () => {
      const held = current(binding);
      if (held) remove(held);
    });
    const held: Held = { ...binding, ...terms, isAsleep, expiresAt: clock.now() + ms, expiry };
    accounts.set(binding.account.user, contacts.set(binding.contact, held));
    return held;
  }

  function bind(binding: Binding, terms: Terms, seconds: number): void {
    const before = current(binding);
    before?.expiry();
    const held = put(binding, terms, seconds * 1_000, false);
    const { account, contact, flow } = binding;
    const { transport, remote } = flow;
    store.save({ user: account.user, contact, transport, remote, ...terms, expiresAt: clock.wall() + seconds * 1_000 });
    listener.bound(held, before?.callId !== terms.callId || before.isAsleep);
  }

  function restore(): readonly Binding[] {
    return store.load().flatMap(({ user, contact, transport, remote, callId, cseq, q, expiresAt }) => {
      const account = ports.accounts.find(user);
      // A board without a battery-backed clock may have started in its own past.
      const ms = Math.min(expiresAt - clock.wall(), longest * 1_000);
      if (!account || ms <= 0 || !isTransport(transport)) {
        store.remove(user, contact);
        return [];
      }
      const terms = { callId, cseq, ...(q !== undefined && { q }) };
      const held = put({ account, contact, flow: { transport, remote } }, terms, ms, true);
      // A connection ended with the process that held it: its terminal makes another one.
      return transport === "udp" ? [held] : [];
    });
  }

  function wake(binding: Binding): void {
    const held = current(binding);
    if (!held?.isAsleep) return;
    const awake = { ...held, isAsleep: false };
    accounts.get(held.account.user)?.set(held.contact, awake);
    listener.bound(awake, true);
  }

  function register(account: Account, incoming: Incoming): void {
    const { request, flow } = incoming;
    if (aorOf(parseUri(parseNameAddr(header(request, "to") ?? "").uri)) !== account.aor)
      throw new ProtocolError(403, `${account.user} registers somebody else`);
    const callId = header(request, "call-id") ?? "";
    const { number: cseq } = parseCSeq(header(request, "cseq") ?? "");
    const held = accounts.get(account.user);
    const listed = parseContactList(headers(request, "contact"));
    const general = secondsIn(request, "expires");

    if (listed === "*") {
      if (general !== 0) throw new ProtocolError(400, "Contact * with Expires other than 0");
      const all = [...(held?.values() ?? [])];
      for (const each of all) inOrder(each, callId, cseq);
      for (const each of all) remove(each);
      return incoming.respond(200, { headers: [["expires", "0"]] });
    }

    // All is looked at before anything is changed (§10.3 step 7).
    const changes = listed.map(({ uri, params }) => {
      const contact = formatUri(parseUri(uri));
      const own = params.get("expires");
      const seconds = own === undefined ? (general ?? usual) : parseNumber(own, 0xffff_ffff, "expires");
      const before = held?.get(contact);
      if (before) inOrder(before, callId, cseq);
      const q = qOf(params.get("q"));
      return { contact, seconds, terms: { callId, cseq, ...(q !== undefined && { q }) } };
    });
    if (changes.some(({ seconds }) => seconds > 0 && seconds < shortest))
      return incoming.respond(423, { headers: [["min-expires", `${shortest}`]] });
    const after = new Set(held?.keys());
    for (const { contact, seconds } of changes) {
      if (seconds > 0) after.add(contact);
      else after.delete(contact);
    }
    // Of too many, those that show no sign of life give way.
    const named = new Set(changes.map(({ contact }) => contact));
    const excess = Math.max(0, after.size - mostContacts);
    const asleep = [...(held?.values() ?? [])].filter(({ isAsleep, contact }) => isAsleep && !named.has(contact));
    // The others run out before long: a refusal, but not for good.
    if (excess > asleep.length) return incoming.respond(503, { headers: [["retry-after", `${shortest}`]] });
    for (const each of asleep.slice(0, excess)) remove(each);

    for (const { contact, seconds, terms } of changes) {
      const before = accounts.get(account.user)?.get(contact);
      if (seconds > 0) bind({ account, contact, flow }, terms, Math.min(seconds, longest));
      else if (before) remove(before);
    }
    incoming.respond(200, { headers: contactsOf(account) });
  }

  function contactsOf(account: Account): (readonly [string, string])[] {
    const now = clock.now();
    return [...(accounts.get(account.user)?.values() ?? [])].map(({ contact, expiresAt, q }) => [
      "contact",
      `<${contact}>;expires=${Math.max(0, Math.round((expiresAt - now) / 1_000))}${q === undefined ? "" : `;q=${q}`}`,
    ]);
  }

  return {
    register,
    restore,
    isAsleep: (binding) => current(binding)?.isAsleep === true,
    wake,
    retain(user, account) {
      const contacts = accounts.get(user);
      for (const held of [...(contacts?.values() ?? [])]) {
        if (account) contacts?.set(held.contact, { ...held, account });
        else remove(held);
      }
    },
    close() {
      for (const contacts of accounts.values()) for (const held of contacts.values()) held.expiry();
      accounts.clear();
    },
  };
}

const transports: readonly Flow["transport"][] = ["udp", "tcp"];

function isTransport(name: string): name is Flow["transport"] {
  return transports.some((transport) => transport === name);
}

/** RFC 3261 §25.1: 0 to 1, with three digits at most; what is none is passed over. */
function qOf(value: string | undefined): number | undefined {
  return value !== undefined && /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(value) ? Number(value) : undefined;
}

/** §10.3 step 7: a request that was overtaken changes nothing. */
function inOrder(held: Held, callId: string, cseq: number): void {
  if (held.callId === callId && cseq <= held.cseq) throw new ProtocolError(500, "a REGISTER out of order");
}
