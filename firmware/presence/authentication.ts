/**
 * Proves who sent a request before anything else is done for them: digest against the accounts. It grants nothing. Whoever
 * guesses at passwords is not looked at for a while (guessing.ts).
 */
import type { Cancel, Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Log } from "../log.ts";
import { type Claim, type DigestAlgorithm, digestGuard } from "../sip/digest.ts";
import type { Incoming } from "../sip/endpoint.ts";
import { parseNameAddr } from "../sip/header.ts";
import { header, headers, ProtocolError } from "../sip/message.ts";
import { parseUri } from "../sip/uri.ts";
import type { Account, Accounts } from "./accounts.ts";
import { guessing } from "./guessing.ts";

export interface Authentication {
  /** The account that a request proves to come from, which may be an identity of who has the password. Undefined: it has been answered, or will be, with a challenge. Throws ProtocolError 403 for one that speaks for somebody else. */
  admit(incoming: Incoming): Account | undefined;
  readonly refused: Readonly<RefusedCounts>;
  close(): void;
}

/** How many requests were refused for want of a proof, since the start. A first request without one is not counted. */
export interface RefusedCounts {
  wrongPassword: number;
  /** Not looked at, after too many wrong passwords from the same address. */
  notLookedAt: number;
  /** The answer to a wrong password was held back. */
  heldBack: number;
  /** The proof was of another user than the request. */
  anotherName: number;
}

type Judgement = Account | "answered" | "stale" | { readonly heldBackMs: number };

/** Credentials of one request that are looked at: a request is one guess at a password, not a hundred. */
const mostCredentials = 4;
/** Answers that are held back at a time; beyond it they are given at once, for each keeps a transaction open. */
const mostHeldBack = 256;

export function authentication(
  ports: { readonly clock: Clock; readonly random: Random; readonly log: Log; readonly accounts: Accounts },
  options: { readonly realm: string; readonly digest: readonly DigestAlgorithm[] },
): Authentication {
  const { accounts, clock, log } = ports;
  const guard = digestGuard({ ...ports, realm: options.realm, algorithms: ["SHA-256", "MD5"] });
  const guesses = guessing(clock);
  const heldBack = new Set<Cancel>();
  const refused: RefusedCounts = { wrongPassword: 0, notLookedAt: 0, heldBack: 0, anotherName: 0 };

  /** What a user who is asked for may use; some phones give up at a challenge that they do not know. */
  function challenge(incoming: Incoming, user: string, stale: boolean, stateless = true): void {
    const { digest } = accounts.find(user) ?? options;
    const values = guard.challenges(incoming.flow.remote.host, stale, digest);
    incoming.respond(401, { headers: values.map((value) => ["www-authenticate", value] as const), stateless });
  }

  /** Of a wrong password something is remembered: repeated by the network it is not a second one. */
  function challengeLater(incoming: Incoming, user: string, ms: number): void {
    if (ms === 0 || heldBack.size >= mostHeldBack) return challenge(incoming, user, false, false);
    refused.heldBack += 1;
    const cancel = clock.after(ms, () => {
      heldBack.delete(cancel);
      challenge(incoming, user, false, false);
    });
    heldBack.add(cancel);
  }

  /** A wrong password. How long its answer is held back, ms. */
  function wrong(user: string, host: string): number {
    refused.wrongPassword += 1;
    const { heldBackMs, news } = guesses.wrong(user, host);
    const who = { user: user.slice(0, 40), from: host };
    if (news === "first")
      log.info({ event: "wrong-password", ...who }, "a wrong password; more from there are only counted");
    if (news === "closed")
      log.warn(
        { event: "guessing", ...who },
        "too many wrong passwords: some from there are not looked at for a while",
      );
    return heldBackMs;
  }

  /** Looks at what a request claims to be; the account if it is. `answered`: it has been refused for good. */
  function judge(claim: Claim, user: string, incoming: Incoming): Judgement {
    const { host } = incoming.flow.remote;
    const prover = claim.username;
    // RFC 3261 §22.1: who is authenticated and who is said to ask must be the same, or an identity of theirs.
    if (prover !== user && prover !== accounts.find(user)?.owner) {
      refused.anotherName += 1;
      throw new ProtocolError(403, `${prover.slice(0, 40)} asks in the name of ${user.slice(0, 40)}`);
    }
    const closedMs = guesses.closedFor(prover, host);
    if (closedMs > 0) {
      refused.notLookedAt += 1;
      // Answered, for one that is not answered comes again and again.
      incoming.respond(503, { headers: [["retry-after", `${Math.ceil(closedMs / 1_000)}`]] });
      return "answered";
    }
    const verdict = guard.prove(claim, accounts.ha1);
    const account = verdict.ok ? accounts.find(user) : undefined;
    if (account) {
      guesses.right(prover, host);
      return account;
    }
    return !verdict.ok && verdict.stale ? "stale" : { heldBackMs: wrong(prover, host) };
  }

  return {
    refused,
    admit(incoming) {
      const { request, flow } = incoming;
      const user = userOf(incoming) ?? "";
      let stale = false;
      let heldBackMs: number | undefined;
      // A client that answers several challenges sends several credentials; the one for this realm counts.
      for (const credentials of headers(request, "authorization").slice(0, mostCredentials)) {
        const claim = guard.read(request, credentials, flow.remote.host);
        const judgement = claim.ok ? judge(claim, user, incoming) : claim.stale ? "stale" : undefined;
        if (judgement === "answered") return undefined;
        if (judgement === "stale") stale = true;
        else if (judgement && "user" in judgement) return judgement;
        else if (judgement) heldBackMs = Math.max(heldBackMs ?? 0, judgement.heldBackMs);
      }
      if (heldBackMs !== undefined && !stale) challengeLater(incoming, user, heldBackMs);
      else challenge(incoming, user, stale, heldBackMs === undefined);
      return undefined;
    },
    close() {
      for (const cancel of heldBack) cancel();
      heldBack.clear();
    },
  };
}

function userOf({ request }: Incoming): string | undefined {
  return parseUri(parseNameAddr(header(request, "from") ?? "").uri).user;
}
