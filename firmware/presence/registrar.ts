/**
 * The registrar (RFC 3261 §10.3): which contacts of an account are reachable, by which flow, and for how long. It takes requests
 * that are authenticated already, and tells when a terminal appears, starts afresh, and is gone.
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Flow, Incoming } from "../sip/endpoint.ts";
import { secondsIn } from "../sip/expires.ts";
import { parseContactList, parseCSeq, parseNameAddr } from "../sip/header.ts";
import { header, headers, ProtocolError } from "../sip/message.ts";
import { aorOf, formatUri, parseNumber, parseUri } from "../sip/uri.ts";
import type { Account } from "./accounts.ts";

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
  close(): void;
}

interface Held extends Binding {
  readonly callId: string;
  readonly cseq: number;
  readonly expiresAt: number;
  readonly expiry: Cancel;
}

/** Seconds. A refresh more often than this is a load without a use. */
const shortest = 30;
const longest = 3_600;
const usual = 300;
const mostContacts = 10;

export function registrar(clock: Clock, listener: RegistrarListener): Registrar {
  /** By account, then by contact. */
  const accounts = new Map<string, Map<string, Held>>();

  function remove(held: Held): void {
    held.expiry();
    const contacts = accounts.get(held.account.user);
    contacts?.delete(held.contact);
    if (contacts?.size === 0) accounts.delete(held.account.user);
    listener.unbound(held);
  }

  function bind(binding: Binding, thread: { callId: string; cseq: number }, seconds: number): void {
    const contacts = accounts.get(binding.account.user) ?? new Map<string, Held>();
    const before = contacts.get(binding.contact);
    before?.expiry();
    const held: Held = {
      ...binding,
      ...thread,
      expiresAt: clock.now() + seconds * 1_000,
      expiry: clock.after(seconds * 1_000, () => remove(held)),
    };
    accounts.set(binding.account.user, contacts.set(binding.contact, held));
    listener.bound(held, before?.callId !== thread.callId);
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
      return { contact, seconds };
    });
    if (changes.some(({ seconds }) => seconds > 0 && seconds < shortest))
      return incoming.respond(423, { headers: [["min-expires", `${shortest}`]] });
    const after = new Set(held?.keys());
    for (const { contact, seconds } of changes) {
      if (seconds > 0) after.add(contact);
      else after.delete(contact);
    }
    // Those of a terminal that died run out before long: a refusal, but not for good.
    if (after.size > mostContacts) return incoming.respond(503, { headers: [["retry-after", `${shortest}`]] });

    for (const { contact, seconds } of changes) {
      const before = accounts.get(account.user)?.get(contact);
      if (seconds > 0) bind({ account, contact, flow }, { callId, cseq }, Math.min(seconds, longest));
      else if (before) remove(before);
    }
    incoming.respond(200, { headers: contactsOf(account) });
  }

  function contactsOf(account: Account): (readonly [string, string])[] {
    const now = clock.now();
    return [...(accounts.get(account.user)?.values() ?? [])].map(({ contact, expiresAt }) => [
      "contact",
      `<${contact}>;expires=${Math.max(0, Math.round((expiresAt - now) / 1_000))}`,
    ]);
  }

  return {
    register,
    close() {
      for (const contacts of accounts.values()) for (const held of contacts.values()) held.expiry();
      accounts.clear();
    },
  };
}

/** §10.3 step 7: a request that was overtaken changes nothing. */
function inOrder(held: Held, callId: string, cseq: number): void {
  if (held.callId === callId && cseq <= held.cseq) throw new ProtocolError(500, "a REGISTER out of order");
}
